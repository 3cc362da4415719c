using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void EstimateX0Core(Tensor x, Tensor output, Tensor coefficients, Tensor x0)
    {
        float* k = Floats(coefficients);
        var estimate = new ClippedSum(k[(int)DenoiseCoefficient.P], k[(int)DenoiseCoefficient.Q], k[(int)DenoiseCoefficient.Clip]);
        Elementwise.Apply(_workers, estimate, Floats(x), Floats(output), Floats(output), Floats(x0), x.Shape.Count);
    }
}
