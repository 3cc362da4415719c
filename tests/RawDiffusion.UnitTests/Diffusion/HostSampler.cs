using RawDiffusion.Diffusion;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>Carries tables out in double precision on the host, element by element: what the mathematics says before any device does it.</summary>
internal static class HostSampler
{
    /// <param name="rows">The table's rows, or some of them.</param>
    /// <param name="model">The network: from an element of x and the timestep to its output.</param>
    /// <param name="start">x_T.</param>
    /// <param name="noise">z of a step at an element; none if null.</param>
    public static double[] Run(IEnumerable<StepRow> rows, Func<double, int, double> model, ReadOnlySpan<double> start, Func<int, int, double>? noise = null)
    {
        double[] x = start.ToArray();
        double[] previousX0 = new double[x.Length];
        int step = 0;
        foreach (var row in rows)
        {
            for (int i = 0; i < x.Length; i++)
            {
                (x[i], previousX0[i]) = row.Apply(x[i], model(x[i], (int)row.Timestep), previousX0[i], noise?.Invoke(step, i) ?? 0);
            }
            step++;
        }
        return x;
    }

    /// <summary>A step for a single number.</summary>
    /// <returns>The next x, and x̂_0.</returns>
    public static (double Next, double X0) Apply(this StepRow row, double x, double output, double previousX0 = 0, double noise = 0)
    {
        double x0 = Math.Clamp(row.P * x + row.Q * output, -row.Clip, row.Clip);
        return (row.U * x + row.V * x0 + row.W.Sum() * previousX0 + row.S * noise, x0);
    }
}
