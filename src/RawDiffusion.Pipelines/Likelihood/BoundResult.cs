namespace RawDiffusion.Pipelines;

/// <summary>The variational bound of some images, in bits per dimension.</summary>
public sealed class BoundResult
{
    private readonly List<double> _totals = [];
    private readonly double[] _sums;
    private readonly int[] _counts;
    private double _prior;

    /// <summary>An empty result.</summary>
    /// <param name="timesteps">T.</param>
    public BoundResult(int timesteps) => (_sums, _counts) = (new double[timesteps], new int[timesteps]);

    /// <summary>Images that are done.</summary>
    public int Images => _totals.Count;

    /// <summary>The mean over the images: L_T + Σ L_t + L_0.</summary>
    public double Value => _totals.Average();

    /// <summary>The standard error of <see cref="Value"/>: of the choice of images, noise and timesteps. NaN with a single image.</summary>
    public double StandardError
    {
        get
        {
            double mean = Value;
            return Math.Sqrt(_totals.Sum(total => (total - mean) * (total - mean)) / (Images - 1.0) / Images);
        }
    }

    /// <summary>The bound of each image.</summary>
    public IReadOnlyList<double> Totals => _totals;

    /// <summary>The mean of L_T.</summary>
    public double Prior => _prior / Images;

    /// <summary>T.</summary>
    public int Timesteps => _sums.Length;

    /// <summary>The mean of L_t over the images that it was computed for; NaN where it was for none. At 0 stands the decoder's L_0.</summary>
    public double Term(int t) => _sums[t] / _counts[t];

    /// <summary>Notes an image.</summary>
    /// <param name="prior">Its L_T.</param>
    /// <param name="terms">Its terms by timestep, each with the factor by which it counts in the sum.</param>
    public void Add(double prior, IEnumerable<(int Timestep, double Bits, double Factor)> terms)
    {
        double total = prior;
        foreach (var (t, bits, factor) in terms)
        {
            total += factor * bits;
            _sums[t] += bits;
            _counts[t]++;
        }
        _prior += prior;
        _totals.Add(total);
    }

    /// <summary>The share of a stretch of timesteps in the sum: the mean of its terms that were computed, times its length.</summary>
    /// <param name="from">The first timestep.</param>
    /// <param name="to">The one behind the last.</param>
    public double Stretch(int from, int to)
    {
        double sum = 0;
        int count = 0;
        for (int t = from; t < to; t++)
        {
            (sum, count) = (sum + _sums[t], count + _counts[t]);
        }
        return count == 0 ? double.NaN : sum / count * (to - from);
    }
}
