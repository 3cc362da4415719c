namespace RawDiffusion.Cpu;

/// <summary>
/// The probability that a standard normal number lies between two bounds, as its logarithm, so that it says something however far out they are, and the density at
/// each bound divided by it, which is its derivative.
/// </summary>
/// <param name="LogProbability">ln(Φ(upper) − Φ(lower)).</param>
/// <param name="AtLower">φ(lower) / (Φ(upper) − Φ(lower)).</param>
/// <param name="AtUpper">φ(upper) / (Φ(upper) − Φ(lower)).</param>
internal readonly record struct NormalInterval(double LogProbability, double AtLower, double AtUpper)
{
    private const double SquareRootOfHalf = 0.70710678118654752440, DensityAtZero = 0.39894228040143267794, TwoOverRootPi = 1.12837916709551257390;

    // Where the series of erf hands over to the continued fraction of its complement.
    private const double Border = 3;
    private const int Terms = 60;

    // Of the approximation √(2/π)·(z + 0.044715·z³) of Φ's hyperbolic tangent.
    private const double Slope = 0.79788456080286535588, Cubic = 0.044715, Least = 1e-12;

    /// <summary>The interval between two bounds, lower first; ±∞ for none.</summary>
    public static NormalInterval Between(double lower, double upper)
    {
        if (lower + upper < 0)
        {
            var mirrored = Between(-upper, -lower);
            return new NormalInterval(mirrored.LogProbability, mirrored.AtUpper, mirrored.AtLower);
        }
        if (lower <= 0)
        {
            double probability = 0.5 * (Erf(upper * SquareRootOfHalf) + Erf(-lower * SquareRootOfHalf));
            return new NormalInterval(Math.Log(probability), Density(lower) / probability, Density(upper) / probability);
        }
        // Both in the upper tail: φ(lower) is taken out, or all would vanish.
        double fall = double.IsPositiveInfinity(upper) ? 0 : Math.Exp(0.5 * (lower - upper) * (lower + upper));
        double scaled = 0.5 * (ScaledErfc(lower * SquareRootOfHalf) - (fall == 0 ? 0 : fall * ScaledErfc(upper * SquareRootOfHalf)));
        return new NormalInterval(Math.Log(scaled) - 0.5 * lower * lower, DensityAtZero / scaled, fall * DensityAtZero / scaled);
    }

    /// <summary>The same by ½·(1 + tanh(√(2/π)·(z + 0.044715·z³))) instead of Φ, and no probability below 10⁻¹², where it has no slope.</summary>
    public static NormalInterval ByTanh(double lower, double upper)
    {
        double probability = TanhCumulative(upper) - TanhCumulative(lower);
        return probability < Least ? new NormalInterval(Math.Log(Least), 0, 0)
            : new NormalInterval(Math.Log(probability), TanhDensity(lower) / probability, TanhDensity(upper) / probability);
    }

    private static double Density(double z) => DensityAtZero * Math.Exp(-0.5 * z * z);

    private static double TanhCumulative(double z) => 0.5 * (1 + Math.Tanh(Slope * (z + Cubic * z * z * z)));

    private static double TanhDensity(double z)
    {
        double tanh = Math.Tanh(Slope * (z + Cubic * z * z * z));
        return tanh * tanh == 1 ? 0 : 0.5 * (1 - tanh * tanh) * Slope * (1 + 3 * Cubic * z * z);
    }

    // erf x = 2/√π·e^(−x²)·Σ 2ⁿx^(2n+1)/(2n+1)!!, whose terms are all of one sign, for 0 ≤ x < 3.
    private static double Erf(double x)
    {
        if (x >= Border)
        {
            return double.IsPositiveInfinity(x) ? 1 : 1 - Math.Exp(-x * x) * ScaledErfc(x);
        }
        double term = x, sum = x;
        for (int n = 1; n < Terms; n++)
        {
            term *= 2 * x * x / (2 * n + 1);
            sum += term;
        }
        return TwoOverRootPi * Math.Exp(-x * x) * sum;
    }

    // e^(x²)·erfc x = (1/√π)/(x + ½/(x + 1/(x + 1½/(x + …)))), x ≥ 0.
    private static double ScaledErfc(double x)
    {
        if (x < Border)
        {
            return Math.Exp(x * x) * (1 - Erf(x));
        }
        double fraction = x;
        for (int n = Terms; n > 0; n--)
        {
            fraction = x + 0.5 * n / fraction;
        }
        return 0.5 * TwoOverRootPi / fraction;
    }
}
