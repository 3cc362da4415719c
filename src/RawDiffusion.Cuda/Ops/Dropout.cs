using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel DropoutKernel => field ??= Kernel("dropout", "dropout");

    /// <inheritdoc/>
    protected override void DropoutCore(Tensor x, Sink y, double rate, in RandomStream stream)
    {
        // Uniform numbers are multiples of 2⁻²⁴, and so is this threshold: comparing in float32 decides as comparing with the rate itself would.
        float threshold = (float)(Math.Ceiling(rate * (1 << 24)) / (1 << 24));
        LaunchOverSamples(
            DropoutKernel, x.Shape, y.Tensor, x, stream.Position, stream.Seed, (uint)stream.Purpose, threshold, (float)(1 / (1 - rate)), y.Accumulate, x.Shape.N,
                x.Shape.Count / x.Shape.N);
    }
}
