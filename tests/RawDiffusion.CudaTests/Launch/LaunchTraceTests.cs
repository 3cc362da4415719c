using RawDiffusion.Core;
using RawDiffusion.Cuda;

namespace RawDiffusion.CudaTests;

public class LaunchTraceTests
{
    [Fact]
    public void EverythingThatIsPutInIsNamedAndTimed()
    {
        using var gpu = TestGpu.Open();
        Tensor x = gpu.Upload(1, 2, 3, 4), y = gpu.Make(4);
        using var trace = new LaunchTrace(gpu.Stream);
        gpu.Stream.Trace = trace;
        x.Upload([5f, 6f, 7f, 8f]);
        gpu.Device.LinearCombination(2, x, 0, null, y);
        gpu.Device.Blas.Multiply(false, false, 2, 2, 2, 1, x.Address, 2, x.Address, 2, 0, y.Address, 2);
        x.CopyFrom(y);
        y.Clear();
        gpu.Stream.Trace = null;
        gpu.Device.Silu(x, y);
        var pieces = trace.End();
        Assert.Equal(["upload", "linear_combination", "cublasGemmEx", "copy", "fill"], pieces.Select(p => p.Name));
        Assert.All(pieces, piece => Assert.InRange(piece.Milliseconds, 0, 10_000));
    }
}
