using RawDiffusion.Core;
using RawDiffusion.Cuda;

namespace RawDiffusion.CudaTests;

/// <summary>
/// Elements that 32 bits cannot count, where one block reaches them: a label or a pick that is far out, in a tensor of which only that place
/// exists. The kernel is given an address that lies as far before it.
/// </summary>
public class FarElementTests
{
    // Times 4096 elements a row, that is 2³² elements.
    private const int FarRow = 1 << 20, RowLength = 4096;

    private const long Distance = (long)FarRow * RowLength;

    [Fact]
    public void AnEmbeddingsRow()
    {
        using var gpu = TestGpu.OpenEmulated();
        using var module = Module(gpu, "embedding");
        Tensor y = gpu.Make(4), row = gpu.Upload([.. Enumerable.Range(0, RowLength).Select(i => i + 0.5f)]), label = gpu.Make(DType.Int32, 1).Upload([FarRow]);
        module["embedding"].Launch(gpu.Stream, 1, 256, 0, y, row.Address - unchecked((nint)(Distance * sizeof(float))), label, RowLength, 4L);
        Assert.Equal([0.5f, 1.5f, 2.5f, 3.5f], y.ToArray());
    }

    [Fact]
    public void ADataSetsImage()
    {
        using var gpu = TestGpu.OpenEmulated();
        using var module = Module(gpu, "noise");
        Tensor xt = gpu.Make(RowLength), target = gpu.Make(RowLength), coefficients = gpu.Upload(1, 0, 0, 1), noise = gpu.Make(RowLength).Clear();
        var image = gpu.Make(DType.UInt8, RowLength).Upload([.. Enumerable.Range(0, RowLength).Select(i => (byte)i)]);
        Tensor picks = gpu.Make(DType.Int32, 2), position = gpu.Make(DType.Int32, 2).Clear();
        foreach (int mirrored in (int[])[0, 1])
        {
            picks.Upload([FarRow, mirrored]);
            module["add_noise_to_pixels"].Launch(
                gpu.Stream, RowLength / 4 / 256, 256, 0, xt, target, image.Address - unchecked((nint)Distance), picks, coefficients, noise, position, 1UL, 1u, 1, (long)RowLength, 1, RowLength, 0, RowLength);
            var expected = Enumerable.Range(0, RowLength).Select(i => (2 * ((mirrored == 1 ? RowLength - 1 - i : i) & 255) - 255) / 255f);
            Assert.Equal(expected, xt.ToArray());
        }
    }

    /// <summary>Beyond 2³¹ elements columns are counted otherwise; the first block shows how.</summary>
    [Theory]
    [InlineData((1L << 31) - 1)]
    [InlineData(1L << 31)]
    public void TheColumnsOfALargeMatrix(long count)
    {
        using var gpu = TestGpu.OpenEmulated();
        using var module = Module(gpu, "linear");
        Tensor y = gpu.Make(1024), bias = gpu.Upload(0, 1, 2, 3, 4, 5, 6);
        module["linear_start"].Launch(gpu.Stream, 1, 256, 0, y, bias, (Tensor?)null, 7, count);
        Assert.Equal(Enumerable.Range(0, 1024).Select(i => (float)(i % 7)), y.ToArray());
    }

    private static CudaModule Module(TestGpu gpu, string file) => new(gpu.Stream.Context, gpu.Device.Compiler.Compile(KernelSources.Get(file)));
}
