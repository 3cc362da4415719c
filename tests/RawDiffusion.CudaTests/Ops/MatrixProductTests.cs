using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Cuda.Driver;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

public class MatrixProductTests
{
    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [InlineData(true, true)]
    public void RowMajorProductsOfEveryTransposition(bool transposeA, bool transposeB)
    {
        using var gpu = TestGpu.Open();
        const int m = 3, n = 5, k = 4, batches = 2, gapA = 2;
        int strideA = (transposeA ? m : k) + gapA, strideB = transposeB ? k : n;
        float[] a = Numbers(batches * (transposeA ? k : m) * strideA), b = Numbers(batches * k * n), c = Numbers(batches * m * n);
        Tensor ta = gpu.Upload(a), tb = gpu.Upload(b), tc = gpu.Upload(c);
        long stepA = a.Length / batches, stepB = k * n, stepC = m * n;
        gpu.Device.Blas.MultiplyBatch(transposeA, transposeB, m, n, k, 0.5f, ta.Address, strideA, stepA, tb.Address, strideB, stepB, 2, tc.Address, n, stepC, batches);
        var expected = from batch in Enumerable.Range(0, batches)
                       from i in Enumerable.Range(0, m)
                       from j in Enumerable.Range(0, n)
                       select 0.5f * Enumerable.Range(0, k).Sum(p =>
                           a[batch * stepA + (transposeA ? p * strideA + i : i * strideA + p)] * b[batch * stepB + (transposeB ? j * strideB + p : p * strideB + j)])
                           + 2 * c[batch * stepC + i * n + j];
        Assert.Equal(expected, tc.ToArray());
    }

    /// <summary>
    /// A matrix times the identity is itself in float32, whatever the order of sums. TF32 is allowed, not promised, and of small products cuBLAS may
    /// make use of neither it nor of rounding to nearest: a large one is asked for, and to be off by no more than the ten bits that are kept.
    /// </summary>
    [Fact]
    public void Float32IsExactAndTf32RoundsFactors()
    {
        TestGpu.Require();
        const int n = 256;
        float[] a = [.. Enumerable.Range(0, n * n).Select(i => 1f + ((uint)i * 2654435761u >> 9) / (float)(1 << 23))];
        float[] identity = [.. Enumerable.Range(0, n * n).Select(i => i / n == i % n ? 1f : 0f)];
        Assert.Equal(a, Product(tf32: false));
        float[] rounded = Product(tf32: true);
        Assert.NotEqual(a, rounded);
        Assert.All(a.Zip(rounded), pair => Assert.Equal(pair.First, pair.Second, pair.First / 1024));

        float[] Product(bool tf32)
        {
            using var device = new CudaDevice(TestGpu.Options with { Tf32 = tf32 });
            using Tensor x = new Tensor(device, new Shape(n, n)).Upload(a), y = new Tensor(device, new Shape(n, n)).Upload(identity), z = new Tensor(device, new Shape(n, n));
            device.Blas.Multiply(false, false, n, n, n, 1, x.Address, n, y.Address, n, 0, z.Address, n);
            return z.ToArray();
        }
    }

    /// <summary>The emulated cuBLAS rounds to nearest, of any product, where it may.</summary>
    [Theory]
    [InlineData(false, 1f + 1f / 4096)]
    [InlineData(true, 1f)]
    public void TheEmulatedTf32RoundsToNearest(bool tf32, float expected)
    {
        TestGpu.RequireEmulated();
        using var device = new CudaDevice(TestGpu.Options with { Tf32 = tf32 });
        using Tensor a = new Tensor(device, new Shape(1)).Upload([1f + 1f / 4096]), b = new Tensor(device, new Shape(1)).Upload([1f]), c = new Tensor(device, new Shape(1));
        device.Blas.Multiply(false, false, 1, 1, 1, 1, a.Address, 1, b.Address, 1, 0, c.Address, 1);
        Assert.Equal(expected, c.ToArray()[0]);
    }

    [Fact]
    public void SumsAreInSinglePrecision()
    {
        using var emulated = TestGpu.OpenEmulated();
        Tensor a = emulated.Upload(1 << 24, 1, 1), b = emulated.Upload(1, 1, 1), c = emulated.Make(1);
        emulated.Device.Blas.Multiply(false, false, 1, 1, 3, 1, a.Address, 3, b.Address, 1, 0, c.Address, 1);
        Assert.Equal(1 << 24, c.ToArray()[0]);
    }

    [Fact]
    public void ProductsNeedTheWorkspaceOfTheDevice()
    {
        using var emulated = TestGpu.OpenEmulated();
        Tensor x = emulated.Upload(3), workspace = emulated.Make(1024);
        Assert.Equal(CublasStatus.Success, Cublas.cublasCreate(out nint handle));
        Assert.Equal(CublasStatus.Success, Cublas.cublasSetWorkspace(handle, workspace.Address, 4096));
        Assert.Equal(CublasStatus.Success, Cublas.cublasSetStream(handle, emulated.Stream.Value));
        Assert.Equal(15, (int)Square(handle, x)); // setting the stream took the workspace away
        Assert.Equal(CublasStatus.InvalidValue, Cublas.cublasSetWorkspace(handle, workspace.Address + 16, 1024));
        Assert.Equal(CublasStatus.Success, Cublas.cublasSetWorkspace(handle, workspace.Address, 4096));
        Assert.Equal(CublasStatus.Success, Square(handle, x));
        Assert.Equal([9f], x.ToArray());
        workspace.Dispose();
        Assert.Equal(CublasStatus.Success, Square(handle, x));
        Assert.Equal(CublasStatus.Success, Cublas.cublasDestroy(handle));
        Assert.Contains("the workspace was freed", Assert.Throws<DeviceException>(emulated.Device.Synchronize).Message);
    }

    [Fact]
    public void AMatrixThatIsTooSmallIsAnError()
    {
        using var gpu = TestGpu.OpenEmulated();
        Tensor a = gpu.Make(4), b = gpu.Make(4), c = gpu.Make(3);
        gpu.Device.Blas.Multiply(false, false, 2, 2, 2, 1, a.Address, 2, b.Address, 2, 0, c.Address, 2);
        Assert.Contains("takes 16 bytes at offset 0 of an allocation of 12 bytes", Assert.Throws<DeviceException>(gpu.Device.Synchronize).Message);
    }

    [Fact]
    public void StridesThatCannotBeAreRefused()
    {
        using var gpu = TestGpu.Open();
        Assert.Contains("CUBLAS_STATUS_INVALID_VALUE (", Assert.Throws<DeviceException>(() => gpu.Device.Blas.Multiply(false, false, 2, 2, 2, 1, 0, 1, 0, 2, 0, 0, 2)).Message);
    }

    /// <summary>The name, which tells what to look up, and what it means are two functions of cuBLAS.</summary>
    [Fact]
    public void AnErrorHasItsNameAndItsMeaning()
    {
        using var emulated = TestGpu.OpenEmulated();
        var refused = Assert.Throws<DeviceException>(() => emulated.Device.Blas.Multiply(false, false, 2, 2, 2, 1, 0, 1, 0, 2, 0, 0, 2));
        Assert.Contains("failed: CUBLAS_STATUS_INVALID_VALUE (an unsupported value or parameter was passed to the function). ", refused.Message);
        EmulatedDriver.FailAllocation(1);
        var exhausted = Assert.Throws<DeviceException>(() => new CudaBlas(emulated.Device, emulated.Stream, tf32: false));
        Assert.StartsWith("cublasCreate failed: CUBLAS_STATUS_ALLOC_FAILED (the resource allocation failed). Use a smaller batch", exhausted.Message);
    }

    private static unsafe CublasStatus Square(nint handle, Tensor x)
    {
        float one = 1, zero = 0;
        return Cublas.cublasGemmEx(
            handle, CublasOperation.None, CublasOperation.None, 1, 1, 1, &one, x.Address, CudaDataType.Float32, 1, x.Address, CudaDataType.Float32, 1,
            &zero, x.Address, CudaDataType.Float32, 1, CublasComputeType.Float32, CublasAlgorithm.Default);
    }

    private static float[] Numbers(int count) => [.. Enumerable.Range(0, count).Select(i => (float)(i * 7 % 13 - 6))];
}
