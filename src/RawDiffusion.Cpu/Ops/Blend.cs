using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void BlendCore(Tensor mask, Tensor a, Tensor b, Tensor y) =>
        Elementwise.Apply(_workers, new Blending(), Floats(mask), Floats(a), Floats(b), Floats(y), mask.Shape.Count);

    private readonly struct Blending : IElementwise
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Apply(Vector512<float> mask, Vector512<float> a, Vector512<float> b)
        {
            var mixed = Vector512.FusedMultiplyAdd(mask, a, (Vector512<float>.One - mask) * b);
            return Vector512.ConditionalSelect(
                Vector512.Equals(mask, Vector512<float>.One), a, Vector512.ConditionalSelect(Vector512.Equals(mask, Vector512<float>.Zero), b, mixed));
        }
    }
}
