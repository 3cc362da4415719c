using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void DropoutCore(Tensor x, Sink y, double rate, in RandomStream stream)
    {
        var xs = Reals(x);
        var ys = Reals(y.Tensor!);
        int perSample = xs.Length / x.Shape.N;
        for (int i = 0; i < xs.Length; i++)
        {
            int e = i % perSample;
            var block = Block(stream, i / perSample, e / 4);
            uint word = (e % 4) switch { 0 => block.X, 1 => block.Y, 2 => block.Z, _ => block.W };
            ys[i] = (Philox.Uniform(word) >= rate ? xs[i] / (1 - rate) : 0) + (y.Accumulate ? ys[i] : 0);
        }
    }

    /// <summary>Block <paramref name="block"/> of the batch's sample <paramref name="n"/>: see <see cref="RandomStream"/>.</summary>
    private static UInt4 Block(in RandomStream stream, int n, int block)
    {
        var position = Elements<int>(stream.Position, DType.Int32);
        return Philox.Block(new UInt4((uint)block, (uint)(position[1] + n), (uint)position[0], (uint)stream.Purpose), stream.Seed);
    }
}
