namespace RawDiffusion.Diffusion;

/// <summary>The forward process and the network's target, as the table of coefficients that <see cref="Core.Device.AddNoise"/> takes.</summary>
public static class TrainingTargets
{
    /// <summary>
    /// Fills the rows (a, b, c, d) of x_t = a·x_0 + b·ε (Ho et al. 2020, eq. 4) and target = c·x_0 + d·ε.
    /// </summary>
    /// <param name="process">The forward process and what the network predicts of it.</param>
    /// <param name="timesteps">A timestep for each of N samples.</param>
    /// <param name="coefficients">[N, 4], row-major.</param>
    /// <exception cref="ArgumentException">Not four coefficients for each timestep, or a timestep out of range.</exception>
    public static void Coefficients(DiffusionProcess process, ReadOnlySpan<int> timesteps, Span<float> coefficients)
    {
        if (coefficients.Length != 4 * timesteps.Length)
        {
            throw new ArgumentException($"{timesteps.Length} timesteps need {4 * timesteps.Length} coefficients, but there is room for {coefficients.Length}");
        }
        for (int n = 0; n < timesteps.Length; n++)
        {
            int t = timesteps[n];
            if ((uint)t >= (uint)process.Schedule.Steps)
            {
                throw new ArgumentOutOfRangeException(nameof(timesteps), t, $"timestep of sample {n} should be within 0..{process.Schedule.Steps - 1}");
            }
            var (c, d) = process.Target(t);
            var level = process.Schedule.Level(t);
            var row = coefficients.Slice(4 * n, 4);
            row[0] = (float)level.Alpha;
            row[1] = (float)level.Sigma;
            row[2] = (float)c;
            row[3] = (float)d;
        }
    }
}
