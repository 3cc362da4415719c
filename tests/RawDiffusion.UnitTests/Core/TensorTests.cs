using RawDiffusion.Core;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests;

public sealed class TensorTests : IDisposable
{
    private readonly ReferenceDevice _device = new();

    public void Dispose()
    {
        Assert.Equal(0, _device.Memory.LiveBlocks);
        _device.Dispose();
    }

    [Theory]
    [InlineData(DType.Float32, 24)]
    [InlineData(DType.Float64, 48)]
    [InlineData(DType.Int32, 24)]
    [InlineData(DType.UInt8, 6)]
    public void HoldsEveryTypeOfNumberFromEveryType(DType type, int bytes)
    {
        using var tensor = new Tensor(_device, new Shape(2, 3), type);
        Assert.Equal(bytes, tensor.Bytes);
        int[] numbers = [0, 1, 2, 100, 254, 255];
        Assert.Equal(numbers, tensor.Upload(numbers).ToArray<int>());
        Assert.Equal(numbers, tensor.Upload(numbers.Select(n => (byte)n).ToArray()).ToArray<int>());
        Assert.Equal(numbers, tensor.Upload(numbers.Select(n => (float)n).ToArray()).ToArray<int>());
        Assert.Equal(numbers.Select(n => (double)n), tensor.Upload(numbers.Select(n => (double)n).ToArray()).ToArray<double>());
        Assert.Equal(numbers.Select(n => (float)n), tensor.ToArray());
        Assert.Equal(numbers.Select(n => (byte)n), tensor.ToArray<byte>());
    }

    [Fact]
    public void RoundsToNarrowerFloats()
    {
        using var single = new Tensor(_device, new Shape(3), DType.Float32);
        double[] values = [0.1, 1e300, double.NaN];
        Assert.Equal([(double)0.1f, double.PositiveInfinity, double.NaN], single.Upload(values).ToArray<double>());
    }

    [Fact]
    public void RefusesNumbersThatDoNotFitAnIntegerType()
    {
        using var bytes = new Tensor(_device, new Shape(1), DType.UInt8);
        Assert.Throws<OverflowException>(() => bytes.Upload([256]));
        Assert.Throws<OverflowException>(() => bytes.Upload([-1]));
    }

    [Fact]
    public void RefusesAnotherNumberOfElements()
    {
        using var tensor = new Tensor(_device, new Shape(2, 3), name: "weights");
        Assert.Contains("'weights' [2, 3] Float64 holds 6 elements, but 5 were given", Assert.Throws<ArgumentException>(() => tensor.Upload(new double[5])).Message);
        Assert.Throws<ArgumentException>(() => tensor.Download(new double[7].AsSpan()));
    }

    [Fact]
    public void ASliceIsAViewOfItsTensor()
    {
        using var tensor = new Tensor(_device, new Shape(10)).Upload(Enumerable.Range(0, 10).ToArray());
        var slice = tensor.Slice(3, new Shape(2, 2), "middle");
        Assert.Equal([3f, 4, 5, 6], slice.ToArray());
        Assert.Equal([5f, 6], slice.Slice(2, new Shape(2)).ToArray());
        slice.Slice(1, new Shape(1)).Upload([40]);
        Assert.Equal([0f, 1, 2, 3, 40, 5, 6, 7, 8, 9], tensor.ToArray());
        slice.Dispose();
        Assert.False(tensor.IsDisposed);
        Assert.Equal(1, _device.Memory.LiveBlocks);
    }

    [Theory]
    [InlineData(-1, 2)]
    [InlineData(9, 2)]
    [InlineData(0, 11)]
    public void ASliceMustLieInside(long offset, int count)
    {
        using var tensor = new Tensor(_device, new Shape(10), name: "arena");
        Assert.Contains("lie outside of 'arena' [10]", Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Slice(offset, new Shape(count))).Message);
    }

    [Fact]
    public void ASliceOfASliceStaysInsideOfTheSlice()
    {
        using var tensor = new Tensor(_device, new Shape(10));
        Assert.Throws<ArgumentOutOfRangeException>(() => tensor.Slice(2, new Shape(3)).Slice(1, new Shape(3)));
    }

    [Fact]
    public void ASliceDiesWithItsTensor()
    {
        var tensor = new Tensor(_device, new Shape(10), name: "arena");
        var slice = tensor.Slice(3, new Shape(2), "part");
        tensor.Dispose();
        tensor.Dispose();
        Assert.True(slice.IsDisposed);
        var error = Assert.Throws<ObjectDisposedException>(() => slice.ToArray());
        Assert.Contains("'part' [2] was freed by Dispose", error.Message);
    }

    [Fact]
    public void EveryReplacementOfTheContentChangesTheVersion()
    {
        using var tensor = new Tensor(_device, new Shape(4));
        using var other = new Tensor(_device, new Shape(4));
        var slice = tensor.Slice(1, new Shape(2));
        long version = tensor.Version;
        Assert.NotEqual(version, other.Version);
        foreach (var write in (Action[])[() => tensor.Clear(), () => slice.Upload([1f, 2f]), () => tensor.CopyFrom(other), tensor.MarkWritten, slice.MarkWritten])
        {
            write();
            Assert.NotEqual(version, tensor.Version);
            Assert.Equal(tensor.Version, slice.Version);
            version = tensor.Version;
        }
        tensor.ToArray();
        Assert.Equal(version, tensor.Version);
    }

    [Fact]
    public void CopiesOnlyFromItsOwnKind()
    {
        using var device = new ReferenceDevice();
        using var tensor = new Tensor(_device, new Shape(2, 2));
        using var reshaped = new Tensor(_device, new Shape(4)).Upload([1, 2, 3, 4]);
        using var shorter = new Tensor(_device, new Shape(3));
        using var single = new Tensor(_device, new Shape(4), DType.Float32);
        using var elsewhere = new Tensor(device, new Shape(4));
        Assert.Equal([1f, 2, 3, 4], tensor.CopyFrom(reshaped).ToArray());
        Assert.All([shorter, single, elsewhere], source => Assert.Throws<ArgumentException>(() => tensor.CopyFrom(source)));
    }

    [Fact]
    public void NewTensorsArePoisonedOnRequest()
    {
        _device.PoisonNewTensors = true;
        using var reals = new Tensor(_device, new Shape(3));
        using var labels = new Tensor(_device, new Shape(3), DType.Int32);
        Assert.All(reals.ToArray(), value => Assert.Equal(float.NaN, value));
        Assert.All(labels.ToArray<int>(), value => Assert.Equal(-1, value));
    }
}
