using BenchmarkDotNet.Attributes;
using RawDiffusion.Core;
using RawDiffusion.Cpu;

namespace RawDiffusion.Benchmarks;

/// <summary>A CPU device on all processors and tensors of random numbers, which live as long as the benchmark.</summary>
public abstract class CpuBenchmark
{
    private readonly List<Tensor> _tensors = [];
    private readonly Random _random = new(1);

    protected CpuDevice Device { get; private set; } = null!;

    protected RandomStream Stream { get; private set; }

    [GlobalSetup]
    public void Setup()
    {
        Device = new CpuDevice();
        var position = new Tensor(Device, new Shape(2), DType.Int32).Upload([1, 0]);
        _tensors.Add(position);
        Stream = new RandomStream(1, RandomPurpose.Noise, position);
        Prepare();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (var tensor in _tensors)
        {
            tensor.Dispose();
        }
        Device.Dispose();
    }

    protected abstract void Prepare();

    protected Tensor Random(params int[] shape)
    {
        var tensor = new Tensor(Device, new Shape(shape));
        _tensors.Add(tensor);
        var values = new float[tensor.Shape.Count];
        foreach (ref float value in values.AsSpan())
        {
            value = 2 * _random.NextSingle() - 1;
        }
        return tensor.Upload(values);
    }

    /// <summary>Activations of the two presets: images, rows and columns, channels.</summary>
    public readonly record struct Activation(string Preset, int N, int Size, int Channels)
    {
        public int[] Shape => [N, Size, Size, Channels];

        public override string ToString() => $"{Preset} [{N},{Size},{Size},{Channels}]";
    }

    public static IEnumerable<Activation> Activations =>
    [
        new("mnist", 64, 28, 32), new("mnist", 64, 14, 64), new("mnist", 64, 7, 64),
        new("cifar10", 8, 32, 128), new("cifar10", 8, 16, 256), new("cifar10", 8, 8, 256), new("cifar10", 8, 32, 384),
    ];
}
