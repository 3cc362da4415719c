using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// PLMS (Liu et al. 2022, eq. 12): DDIM steps along an ε that is extrapolated from this step's and up to three earlier ones by the
/// Adams–Bashforth formulas. It takes a network's place in one run of <see cref="Plan"/>, whatever the network itself predicts. The first
/// three steps use the formulas of lower order, so that every step costs one evaluation.
/// </summary>
public sealed class PlmsDenoiser : IDisposable
{
    private static readonly double[][] AdamsBashforth =
    [
        [1],
        [3 / 2.0, -1 / 2.0],
        [23 / 12.0, -16 / 12.0, 5 / 12.0],
        [55 / 24.0, -59 / 24.0, 37 / 24.0, -9 / 24.0],
    ];

    private readonly DiffusionProcess _process;
    private readonly SamplerPlan _plan;
    private readonly Denoiser _network;
    private readonly List<Tensor> _epsilons = []; // the latest first
    private int _step;

    /// <summary>A network's stand-in for one run.</summary>
    /// <param name="process">What the network was trained on.</param>
    /// <param name="plan">What <see cref="Plan"/> made.</param>
    /// <param name="network">The network.</param>
    public PlmsDenoiser(DiffusionProcess process, SamplerPlan plan, Denoiser network) => (_process, _plan, _network) = (process, plan, network);

    /// <summary>The plan over evenly spread timesteps: deterministic DDIM's for a network that predicts ε.</summary>
    /// <param name="schedule">The forward process the network was trained on.</param>
    /// <param name="steps">S, within 1..T.</param>
    /// <param name="clip">The bound of |x̂_0|; +∞ for none.</param>
    /// <param name="spacing">Which S timesteps.</param>
    /// <exception cref="ConfigurationException">Steps or clip out of range, or a timestep without signal.</exception>
    public static SamplerPlan Plan(NoiseSchedule schedule, int steps, double clip = 1, TimestepSpacing spacing = TimestepSpacing.Leading) =>
        DdimSampler.Plan(new DiffusionProcess(schedule, Prediction.Epsilon), steps, 0, clip, spacing);

    /// <summary>The extrapolated ε: what <see cref="Sampler.Run"/> takes for the network's answer, called once for each step of the plan.</summary>
    /// <param name="x">[N, …].</param>
    /// <param name="timesteps">[N], those of the plan's next step.</param>
    /// <returns>ε, like x, which the caller disposes.</returns>
    /// <exception cref="InvalidOperationException">The run is over; the next one needs a stand-in of its own.</exception>
    public Tensor Denoise(Tensor x, Tensor timesteps)
    {
        if (_step == _plan.Steps.Length)
        {
            throw new InvalidOperationException($"this PLMS run of {_step} steps is over, and its history belongs to its samples: make a new {nameof(PlmsDenoiser)} for the next run");
        }
        int t = _plan.Steps[_step++].Timestep;
        var epsilon = _network(x, timesteps);
        _epsilons.Insert(0, epsilon);
        if (_process.Prediction != Prediction.Epsilon)
        {
            var (fromX, fromOutput) = EpsilonCoefficients(t);
            Mix(fromX, x, fromOutput, epsilon, epsilon);
        }
        if (_epsilons.Count > AdamsBashforth.Length)
        {
            _epsilons[^1].Dispose();
            _epsilons.RemoveAt(_epsilons.Count - 1);
        }
        double[] weights = AdamsBashforth[_epsilons.Count - 1];
        var extrapolated = new Tensor(x.Device, x.Shape, name: "extrapolated ε");
        Mix(weights[0], epsilon, 0, null, extrapolated);
        for (int k = 1; k < weights.Length; k++)
        {
            Mix(1, extrapolated, weights[k], _epsilons[k], extrapolated);
        }
        return extrapolated;
    }

    /// <summary>Frees the history.</summary>
    public void Dispose()
    {
        _epsilons.ForEach(epsilon => epsilon.Dispose());
        _epsilons.Clear();
    }

    /// <summary>What the output means as ε = a·x + b·output: (x − √ᾱ·x̂_0)/√(1−ᾱ).</summary>
    private (double X, double Output) EpsilonCoefficients(int t)
    {
        var (p, q) = _process.X0(t);
        var level = _process.Schedule.Level(t);
        return ((1 - level.Alpha * p) / level.Sigma, -level.Alpha * q / level.Sigma);
    }

    private static void Mix(double a, Tensor x, double b, Tensor? z, Tensor y) => y.Device.LinearCombination(a, x, b, z, y);
}
