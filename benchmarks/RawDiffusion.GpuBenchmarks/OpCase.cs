using RawDiffusion.Core;
using RawDiffusion.Cuda;

namespace RawDiffusion.GpuBenchmarks;

/// <summary>An op on one shape.</summary>
/// <param name="Op">Its name.</param>
/// <param name="Shape">What it runs on.</param>
/// <param name="PerStep">How often a training step does it.</param>
/// <param name="Flops">Multiplications and additions at least; zero where memory alone matters.</param>
/// <param name="Bytes">Each input read once and each output written once.</param>
/// <param name="Prepare">Makes the tensors, and what is to be timed.</param>
internal sealed record OpCase(string Op, string Shape, int PerStep, double Flops, double Bytes, Func<OperandSet, Action> Prepare)
{
    /// <summary>Whether it is made of products, and so depends on the precision.</summary>
    public bool IsProduct => Flops > 0;
}

/// <summary>The tensors of one case, of random numbers: zeros run faster than real data on a GPU short of power.</summary>
internal sealed class OperandSet : IDisposable
{
    private readonly List<Tensor> _tensors = [];
    private readonly RandomStream _stream;

    public OperandSet(CudaDevice device)
    {
        Device = device;
        _stream = new RandomStream(1, RandomPurpose.Noise, Integers([2], 0, 0));
    }

    public CudaDevice Device { get; }

    public RandomStream Stream => _stream;

    /// <summary>Standard normal numbers.</summary>
    public Tensor Normal(Shape shape)
    {
        var tensor = Add(new Tensor(Device, shape));
        Device.FillNormal(tensor, _stream);
        return tensor;
    }

    /// <summary>Standard normal numbers.</summary>
    public Tensor Normal(params ReadOnlySpan<int> shape) => Normal(new Shape(shape));

    public Tensor Reals(params float[] values) => Add(new Tensor(Device, new Shape(values.Length))).Upload(values);

    public Tensor Integers(ReadOnlySpan<int> shape, params int[] values) => Add(new Tensor(Device, new Shape(shape), DType.Int32)).Upload(values);

    public Tensor Pixels(Shape shape)
    {
        var bytes = new byte[shape.Count];
        new Random(1).NextBytes(bytes);
        return Add(new Tensor(Device, shape, DType.UInt8)).Upload(bytes);
    }

    public void Dispose() => _tensors.ForEach(t => t.Dispose());

    private Tensor Add(Tensor tensor)
    {
        _tensors.Add(tensor);
        return tensor;
    }
}
