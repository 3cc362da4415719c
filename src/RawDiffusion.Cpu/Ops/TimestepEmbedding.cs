using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

public sealed unsafe partial class CpuDevice
{
    /// <inheritdoc/>
    protected override void TimestepEmbeddingCore(Tensor timesteps, Tensor y, bool flipSinToCos, double frequencyShift)
    {
        int half = y.Shape.C / 2;
        float* t = Floats(timesteps), sines = Floats(y) + (flipSinToCos ? half : 0), cosines = Floats(y) + (flipSinToCos ? 0 : half);
        // In double precision: the angle reaches thousands of radians, of which float32 would leave four decimals.
        for (int i = 0; i < half; i++)
        {
            double frequency = Math.Exp(-Math.Log(10000) * i / (half - frequencyShift));
            for (int n = 0; n < timesteps.Shape.N; n++)
            {
                var (sine, cosine) = Math.SinCos(t[n] * frequency);
                sines[(long)n * 2 * half + i] = (float)sine;
                cosines[(long)n * 2 * half + i] = (float)cosine;
            }
        }
    }
}
