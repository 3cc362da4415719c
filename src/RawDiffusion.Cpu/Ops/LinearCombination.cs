using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void LinearCombinationCore(double a, Tensor x, double b, Tensor? z, Tensor y)
    {
        if (z is null)
        {
            Elementwise.Apply(_workers, new Scaled((float)a), Floats(x), Floats(x), Floats(x), Floats(y), x.Shape.Count);
        }
        else
        {
            Elementwise.Apply(_workers, new WeightedSum((float)a, (float)b), Floats(x), Floats(z), Floats(x), Floats(y), x.Shape.Count);
        }
    }
}
