namespace RawDiffusion.Cuda;

/// <summary>What a kernel needs of a multiprocessor, as the compiler reports it.</summary>
/// <param name="Kernel">The kernel's name.</param>
/// <param name="Registers">Registers of a thread.</param>
/// <param name="StackBytes">Local memory of a thread: arrays that are indexed at run time, and spilled registers.</param>
/// <param name="SpillStoreBytes">Bytes of registers written to local memory for want of registers.</param>
/// <param name="SpillLoadBytes">Bytes read back.</param>
/// <param name="SharedBytes">Static shared memory of a block.</param>
public sealed record KernelResources(string Kernel, int Registers, int StackBytes, int SpillStoreBytes, int SpillLoadBytes, int SharedBytes);
