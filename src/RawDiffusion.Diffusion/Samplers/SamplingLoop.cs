using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// Carries a sampler's plan out on a device, for one batch after another of the same shape. Sample i depends on the seed and on i alone: not on
/// the batch it is drawn in, nor on the device. A step is the same work for every step and batch; what changes is read from tensors that stay
/// where they are, so that a device which can do so records it once (<see cref="Device.Record"/>).
/// </summary>
public sealed class SamplingLoop : IDisposable
{
    private readonly SamplerPlan _plan;
    private readonly Denoiser _denoiser;
    private readonly ulong _seed;
    private readonly bool _replay;
    private readonly Tensor _x, _allCoefficients, _allTimesteps, _allPositions, _coefficients, _timesteps, _position;
    private readonly Tensor? _x0;
    private Recording? _step;

    /// <summary>A loop for batches of one shape.</summary>
    /// <param name="plan">The steps.</param>
    /// <param name="denoiser">The network.</param>
    /// <param name="device">Where.</param>
    /// <param name="shape">A batch, [N, …].</param>
    /// <param name="seed">The seed of all samples.</param>
    /// <param name="observed">Whether observers will be given x̂_0, which few plans need themselves.</param>
    /// <param name="replay">Whether the device may record a step and replay it: the denoiser must then have no state of its own on the host.</param>
    /// <exception cref="DeviceException">The device has no memory for two batches and the plan's numbers.</exception>
    public SamplingLoop(SamplerPlan plan, Denoiser denoiser, Device device, Shape shape, ulong seed, bool observed = false, bool replay = false)
    {
        (_plan, _denoiser, _seed, _replay) = (plan, denoiser, seed, replay);
        try
        {
            _x = new Tensor(device, shape, name: "x");
            _x0 = observed || plan.IsMultistep ? new Tensor(device, shape, name: "x̂0") : null;
            _allCoefficients = plan.UploadCoefficients(device);
            _allTimesteps = plan.UploadTimesteps(device, shape.N);
            _allPositions = new Tensor(device, new Shape(plan.Steps.Length, 2), DType.Int32, "sampler positions");
            _coefficients = new Tensor(device, new Shape(SamplerStep.CoefficientCount), name: "the step's coefficients");
            _timesteps = new Tensor(device, new Shape(shape.N), name: "the step's timesteps");
            _position = new Tensor(device, new Shape(2), DType.Int32, "the step's noise position");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>
    /// Samples a batch. The noise of a step is drawn at the step's place in the plan, counted from 0, not at its timestep: a plan may visit a
    /// timestep more than once.
    /// </summary>
    /// <param name="start">x_T, of the loop's shape; stays as it is.</param>
    /// <param name="firstSample">The index of the batch's first sample.</param>
    /// <param name="noise">z for each step, like x_T, instead of drawing it; nothing is replayed then.</param>
    /// <param name="observer">Called after each step; only if the loop was made to be observed.</param>
    /// <returns>The samples, like x_T, which the caller disposes.</returns>
    /// <exception cref="ArgumentException">A start of another shape, noise for another number of steps, an observer that the loop was not made for, or a denoiser that answers in another shape.</exception>
    /// <exception cref="DeviceException">The device has no memory for a step, or is lost.</exception>
    public Tensor Run(Tensor start, int firstSample = 0, IReadOnlyList<Tensor>? noise = null, SamplerObserver? observer = null)
    {
        int count = _plan.Steps.Length;
        if (start.Shape != _x.Shape)
        {
            throw new ArgumentException($"the loop was made for batches of {_x.Shape}, but {start} is to be the start");
        }
        if (noise is not null && noise.Count != count)
        {
            throw new ArgumentException($"the plan has {count} steps, but noise is given for {noise.Count}");
        }
        if (observer is not null && _x0 is null)
        {
            throw new ArgumentException("the loop was made without an observer: say so when making it");
        }
        _x.CopyFrom(start);
        // A multistep plan's x̂0 takes the place of the one before, which counts as zero in the first step.
        _x0?.Clear();
        _plan.WritePositions(_allPositions, firstSample);
        for (int i = 0; i < count; i++)
        {
            MoveTo(i);
            if (_replay && noise is null)
            {
                (_step ??= _x.Device.Record(() => Step(null))).Launch();
            }
            else
            {
                Step(noise?[i]);
            }
            observer?.Invoke(i, _x, _x0!);
        }
        return new Tensor(_x.Device, _x.Shape, name: "samples").CopyFrom(_x);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _step?.Dispose();
        foreach (var tensor in (Tensor?[])[_x, _x0, _allCoefficients, _allTimesteps, _allPositions, _coefficients, _timesteps, _position])
        {
            tensor?.Dispose();
        }
    }

    /// <summary>What the device does in a step.</summary>
    private void Step(Tensor? z)
    {
        using var output = _denoiser(_x, _timesteps);
        if (output.Shape != _x.Shape)
        {
            throw new ArgumentException($"the denoiser should answer in the shape of {_x}, but it returned {output}");
        }
        var stream = new RandomStream(_seed, RandomPurpose.SamplingStep, _position);
        _x.Device.DenoiseUpdate(_x, output, _plan.IsMultistep ? _x0 : null, _coefficients, z, stream, _x0, _x);
    }

    private void MoveTo(int step)
    {
        _coefficients.CopyFrom(_allCoefficients.Slice((long)step * SamplerStep.CoefficientCount, _coefficients.Shape));
        _timesteps.CopyFrom(_allTimesteps.Slice((long)step * _timesteps.Shape.N, _timesteps.Shape));
        _position.CopyFrom(_allPositions.Slice(2L * step, _position.Shape));
    }
}
