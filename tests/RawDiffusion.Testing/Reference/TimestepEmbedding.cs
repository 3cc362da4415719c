using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void TimestepEmbeddingCore(Tensor timesteps, Tensor y, bool flipSinToCos, double frequencyShift)
    {
        var ts = Reals(timesteps);
        var ys = Reals(y);
        int half = y.Shape.C / 2;
        for (int n = 0; n < ts.Length; n++)
        {
            for (int i = 0; i < half; i++)
            {
                double angle = ts[n] * Math.Pow(10000, -i / (half - frequencyShift));
                ys[n * 2 * half + i] = flipSinToCos ? Math.Cos(angle) : Math.Sin(angle);
                ys[n * 2 * half + half + i] = flipSinToCos ? Math.Sin(angle) : Math.Cos(angle);
            }
        }
    }
}
