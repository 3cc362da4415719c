using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// One step of a sampler: which timestep the network hears, and the coefficients of <see cref="Device.DenoiseUpdate"/>:
/// x̂_0 = clamp(p·x + q·output, −clip, clip), then next = u·x + v·x̂_0 + w·previous x̂_0 + s·z. As all that follows is made from the clipped
/// x̂_0, so is the ε it implies.
/// </summary>
/// <param name="Timestep">The timestep that the network hears.</param>
/// <param name="P">x's part in x̂_0.</param>
/// <param name="Q">The network output's part in x̂_0.</param>
/// <param name="Clip">The bound of |x̂_0|; +∞ for none.</param>
/// <param name="U">x's part in the next x.</param>
/// <param name="V">x̂_0's part in the next x.</param>
/// <param name="W">The part that the x̂_0 of the step before has in the next x; 0 in the first step.</param>
/// <param name="S">The standard deviation of the fresh noise; 0 in the last step.</param>
public readonly record struct SamplerStep(int Timestep, double P, double Q, double Clip, double U, double V, double W, double S)
{
    /// <summary>How many coefficients a step has.</summary>
    public const int CoefficientCount = (int)DenoiseCoefficient.Count;

    /// <summary>The step in double precision for a single number: what the device does to each element.</summary>
    /// <param name="x">An element of x.</param>
    /// <param name="output">The same element of the network's output.</param>
    /// <param name="previousX0">Of the x̂_0 of the step before.</param>
    /// <param name="noise">Of z.</param>
    /// <returns>Of the next x, and of x̂_0.</returns>
    public (double Next, double X0) Apply(double x, double output, double previousX0 = 0, double noise = 0)
    {
        double x0 = Math.Clamp(P * x + Q * output, -Clip, Clip);
        return (U * x + V * x0 + W * previousX0 + S * noise, x0);
    }

    /// <summary>The coefficients in the device's order.</summary>
    internal void CopyTo(Span<double> row)
    {
        row[(int)DenoiseCoefficient.P] = P;
        row[(int)DenoiseCoefficient.Q] = Q;
        row[(int)DenoiseCoefficient.Clip] = Clip;
        row[(int)DenoiseCoefficient.U] = U;
        row[(int)DenoiseCoefficient.V] = V;
        row[(int)DenoiseCoefficient.W] = W;
        row[(int)DenoiseCoefficient.S] = S;
    }
}
