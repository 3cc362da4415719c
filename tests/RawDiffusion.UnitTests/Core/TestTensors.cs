using RawDiffusion.Core;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests;

/// <summary>A device with the tensors of one test, which leaves nothing behind.</summary>
internal sealed class TestTensors : IDisposable
{
    private readonly List<Tensor> _owned = [];

    /// <summary>Where they live.</summary>
    public ReferenceDevice Device { get; } = new() { PoisonNewTensors = true };

    /// <summary>How many there are.</summary>
    public int Count => _owned.Count;

    /// <summary>The position of a random stream.</summary>
    public Tensor Position(int words) => Own(new Tensor(Device, new Shape(words), DType.Int32, "position"));

    /// <summary>A tensor that requires a gradient.</summary>
    public Tensor Parameter(string name, params double[] values)
    {
        var tensor = Constant(name, values);
        tensor.RequiresGradient = true;
        return tensor;
    }

    /// <summary>[1, values], or a vector if it is to be a GroupNorm's gamma or beta.</summary>
    public Tensor Constant(string name, params double[] values)
    {
        bool vector = name is "gamma" or "beta";
        return Own(new Tensor(Device, vector ? new Shape(values.Length) : new Shape(1, values.Length), name: name).Upload(values));
    }

    /// <summary>Disposes a tensor at the end of the test.</summary>
    public Tensor Own(Tensor tensor)
    {
        _owned.Add(tensor);
        return tensor;
    }

    public void Dispose()
    {
        _owned.ForEach(tensor => tensor.Dispose());
        Assert.Equal(0, Device.Memory.LiveBlocks);
        Device.Dispose();
    }
}
