using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// All that a sampler will do, worked out before it starts: its steps from noise to data. A plan is made once, by
/// <see cref="AncestralSampler"/>, <see cref="DdimSampler"/> or <see cref="DpmSolverSampler"/>, and carried out by <see cref="SamplingLoop"/>.
/// </summary>
public sealed class SamplerPlan
{
    private readonly SamplerStep[] _steps;

    /// <summary>A plan of these steps.</summary>
    /// <exception cref="ArgumentException">No step.</exception>
    public SamplerPlan(params ReadOnlySpan<SamplerStep> steps)
    {
        if (steps.IsEmpty)
        {
            throw new ArgumentException("a sampler needs at least one step");
        }
        _steps = steps.ToArray();
    }

    /// <summary>The steps, from noise to data.</summary>
    public ReadOnlySpan<SamplerStep> Steps => _steps;

    /// <summary>Whether a step looks at the x̂_0 of the step before it.</summary>
    public bool IsMultistep => Array.Exists(_steps, step => step.W != 0);

    /// <summary>Works out the steps over falling timesteps; the last goes to the data itself, or to where it is told.</summary>
    /// <param name="process">What the network was trained on.</param>
    /// <param name="timesteps">The timesteps to visit, falling.</param>
    /// <param name="clip">The bound of |x̂_0|.</param>
    /// <param name="update">What the sampler does between two of the timesteps.</param>
    /// <param name="end">The timestep to whose noise level the last step goes; −1 for the data.</param>
    internal static SamplerPlan Over(DiffusionProcess process, ReadOnlySpan<int> timesteps, double clip, UpdateRule update, int end = -1)
    {
        if (!(clip > 0))
        {
            throw new ConfigurationException($"x̂0 should be clipped to ±{clip}; expected a number above 0, infinity for no clipping.");
        }
        var steps = new SamplerStep[timesteps.Length];
        int before = process.Schedule.Steps;
        NoiseLevel? beforeLevel = null;
        for (int i = 0; i < steps.Length; i++)
        {
            int t = timesteps[i];
            if (t < 0 || t >= before)
            {
                throw new ArgumentException($"timestep {t} at place {i} should be below {before} and not below 0");
            }
            NoiseLevel level = process.Schedule.Level(t), next = process.Schedule.Level(i + 1 < steps.Length ? timesteps[i + 1] : end);
            var (p, q) = process.X0(t);
            var (u, v, w, s) = update(beforeLevel, level, next);
            steps[i] = new SamplerStep(t, p, q, clip, u, v, w, s);
            (before, beforeLevel) = (t, level);
        }
        return new SamplerPlan(steps);
    }

    /// <summary>The steps' coefficients, [S, 7], on a device.</summary>
    internal Tensor UploadCoefficients(Device device)
    {
        var table = new double[_steps.Length * SamplerStep.CoefficientCount];
        for (int i = 0; i < _steps.Length; i++)
        {
            _steps[i].CopyTo(table.AsSpan(i * SamplerStep.CoefficientCount));
        }
        return new Tensor(device, new Shape(_steps.Length, SamplerStep.CoefficientCount), name: "sampler coefficients").Upload(table);
    }

    /// <summary>The steps' timesteps, repeated for each sample, [S, N], on a device.</summary>
    internal Tensor UploadTimesteps(Device device, int samples)
    {
        var table = new int[_steps.Length * samples];
        for (int i = 0; i < _steps.Length; i++)
        {
            table.AsSpan(i * samples, samples).Fill(_steps[i].Timestep);
        }
        return new Tensor(device, new Shape(_steps.Length, samples), name: "sampler timesteps").Upload(table);
    }

    /// <summary>Writes the positions of the steps' noise streams, [S, 2]: the step's place in the plan, and the first sample.</summary>
    internal void WritePositions(Tensor positions, int firstSample)
    {
        var table = new int[_steps.Length * 2];
        for (int i = 0; i < _steps.Length; i++)
        {
            (table[2 * i], table[2 * i + 1]) = (i, firstSample);
        }
        positions.Upload(table);
    }
}

/// <summary>What a sampler does in one step, in terms of the noise level it has come from, is at, and goes to.</summary>
/// <param name="before">The level of the step before; null in the first step.</param>
/// <param name="level">The level of x.</param>
/// <param name="next">The level of the next x; the data in the last step.</param>
internal delegate (double U, double V, double W, double S) UpdateRule(NoiseLevel? before, NoiseLevel level, NoiseLevel next);
