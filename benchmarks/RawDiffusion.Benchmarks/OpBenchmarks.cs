using BenchmarkDotNet.Attributes;
using RawDiffusion.Core;
using RawDiffusion.Cpu;

namespace RawDiffusion.Benchmarks;

/// <summary>Every op of the presets' networks on the processor; a copy of as many bytes as the op must move is the calibration beside it.</summary>
public class OpBenchmarks
{
    private CpuDevice _device = null!;
    private StandIns _operands = null!;
    private Tensor _from = null!, _to = null!;

    public static IEnumerable<PresetOp> Ops => PresetOp.All;

    [ParamsSource(nameof(Ops))]
    public PresetOp Op { get; set; } = null!;

    [GlobalSetup]
    public void Setup()
    {
        _device = new CpuDevice();
        _operands = new StandIns(_device);
        // A copy reads what it writes.
        var bytes = new Shape(checked((int)Math.Max(1, Op.Call.Bytes / 2)));
        (_from, _to) = (new Tensor(_device, bytes, DType.UInt8).Clear(), new Tensor(_device, bytes, DType.UInt8).Clear());
        Run();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _from.Dispose();
        _to.Dispose();
        _operands.Dispose();
        _device.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void Copy() => _to.CopyFrom(_from);

    [Benchmark]
    public void Run() => Op.Call.Run(_operands);
}
