using RawDiffusion.Diffusion;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>Carries plans out in double precision on the host, element by element: what the mathematics says before any device does it.</summary>
internal static class HostSampler
{
    /// <param name="steps">The plan's steps, or some of them.</param>
    /// <param name="model">The network: from an element of x and the timestep to its output.</param>
    /// <param name="start">x_T.</param>
    /// <param name="noise">z of a step at an element; none if null.</param>
    public static double[] Run(ReadOnlySpan<SamplerStep> steps, Func<double, int, double> model, ReadOnlySpan<double> start, Func<int, int, double>? noise = null)
    {
        double[] x = start.ToArray();
        var previousX0 = new double[x.Length];
        for (int s = 0; s < steps.Length; s++)
        {
            for (int i = 0; i < x.Length; i++)
            {
                (x[i], previousX0[i]) = steps[s].Apply(x[i], model(x[i], steps[s].Timestep), previousX0[i], noise?.Invoke(s, i) ?? 0);
            }
        }
        return x;
    }
}
