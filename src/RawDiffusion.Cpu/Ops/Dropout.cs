using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void DropoutCore(Tensor x, Sink y, double rate, in RandomStream stream)
    {
        var numbers = new RandomNumbers(stream);
        // Uniform numbers are multiples of 2⁻²⁴, and so is this threshold: comparing in float32 decides as comparing with the rate itself would.
        var keep = new Kept((float)(Math.Ceiling(rate * (1 << 24)) / (1 << 24)), (float)(1 / (1 - rate)), y.Accumulate);
        long perSample = x.Shape.Count / x.Shape.N;
        float* from = Floats(x), to = Floats(y.Tensor!);
        ForPieces(x.Shape, (sample, first, count) =>
        {
            float* uniforms = stackalloc float[Piece];
            numbers.Uniforms(sample, first, count, uniforms);
            long at = sample * perSample + first;
            Elementwise.Apply(keep, from + at, uniforms, to + at, to + at, count);
        });
    }

    private readonly struct Kept(float rate, float scale, bool accumulate) : IElementwise
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Vector512<float> Apply(Vector512<float> x, Vector512<float> uniform, Vector512<float> y)
        {
            var kept = Vector512.ConditionalSelect(
                Vector512.GreaterThanOrEqual(uniform, Vector512.Create(rate)), x * Vector512.Create(scale), Vector512<float>.Zero);
            return accumulate ? y + kept : kept;
        }
    }
}
