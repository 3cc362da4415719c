namespace RawDiffusion.Cpu;

/// <summary>Whose scratch a rehearsal counts.</summary>
/// <param name="Slot">A worker, or behind them what they share.</param>
public readonly record struct CpuScratchPlace(int Slot);
