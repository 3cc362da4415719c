using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void SiluCore(Tensor x, Tensor y) => Elementwise.Apply(_workers, new SiluFunction(), Floats(x), Floats(x), Floats(x), Floats(y), x.Shape.Count);

    /// <inheritdoc/>
    protected override void SiluBackwardCore(Tensor dy, Tensor x, Sink dx) =>
        Elementwise.Apply(_workers, new SiluGradient(dx.Accumulate), Floats(dy), Floats(x), Floats(dx.Tensor!), Floats(dx.Tensor!), x.Shape.Count);

    private readonly struct SiluFunction : IElementwise
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Apply(Vector512<float> x, Vector512<float> b, Vector512<float> c) => VectorMath.Silu(x);
    }

    private readonly struct SiluGradient(bool accumulate) : IElementwise
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Apply(Vector512<float> dy, Vector512<float> x, Vector512<float> dx) => accumulate
            ? Vector512.FusedMultiplyAdd(dy, VectorMath.SiluDerivative(x), dx)
            : dy * VectorMath.SiluDerivative(x);
    }
}
