using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// Carries a sampler out on a device, for one batch after another of the same shape. Sample i depends on the seed and on i alone: not on the
/// batch it is drawn in, nor on the device. A step is the same work for every step and batch; what changes is read from tensors that stay
/// where they are, so that a device which can do so records it once (<see cref="Device.Record"/>).
/// </summary>
public sealed class SamplingLoop : IDisposable
{
    private readonly Sampler _sampler;
    private readonly StepTable _table;
    private readonly ulong _seed;
    private readonly bool _replay;
    private readonly SamplingStep _step;
    private readonly Tensor? _rows, _timesteps, _positions;
    private Recording? _asking, _advancing;

    /// <summary>A loop for batches of one shape.</summary>
    /// <param name="sampler">What is done in a step.</param>
    /// <param name="table">The steps, as <see cref="Sampler.Plan"/> made them, or with columns or rows of the caller's.</param>
    /// <param name="denoiser">The network.</param>
    /// <param name="device">Where.</param>
    /// <param name="shape">A batch, [N, …].</param>
    /// <param name="seed">The seed of all samples.</param>
    /// <param name="hooks">What else happens in a step.</param>
    /// <param name="replay">Whether the device may record a step and replay it: denoiser and hooks must then have no state of their own on the host.</param>
    /// <exception cref="ArgumentException">The table takes parts of more earlier steps than the sampler keeps.</exception>
    /// <exception cref="DeviceException">The device has no memory for the batches and the table.</exception>
    public SamplingLoop(
        Sampler sampler, StepTable table, Denoiser denoiser, Device device, Shape shape, ulong seed, IReadOnlyList<IStepHook>? hooks = null, bool replay = false)
    {
        (_sampler, _table, _seed, _replay) = (sampler, table, seed, replay);
        _step = new SamplingStep(table, sampler.History, denoiser, hooks ?? [], device, shape, seed);
        try
        {
            _rows = table.Upload(device);
            _timesteps = table.UploadTimesteps(device, shape.N);
            _positions = new Tensor(device, new Shape(table.Rows.Count, 2), DType.Int32, "sampler positions");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The start x_T of a batch: normal noise.</summary>
    /// <param name="firstSample">The index of the batch's first sample.</param>
    /// <returns>x_T, of the loop's shape, which the caller disposes.</returns>
    public Tensor Start(int firstSample = 0)
    {
        var device = _step.X.Device;
        using var position = new Tensor(device, new Shape(2), DType.Int32, "position").Upload([0, firstSample]);
        var start = new Tensor(device, _step.X.Shape, name: "x_T");
        device.FillNormal(start, new RandomStream(_seed, RandomPurpose.SamplingStart, position));
        if ((float)_table.StartScale != 1)
        {
            using var scale = new Tensor(device, new Shape(1, 1), name: "start scale").Upload([_table.StartScale]);
            device.WeightedSum(scale, [start], null, default, start);
        }
        return start;
    }

    /// <summary>
    /// Samples a batch. The noise of a step is drawn at the step's place in the table, counted from 0, not at its timestep: a table may visit a
    /// timestep more than once.
    /// </summary>
    /// <param name="start">x_T, of the loop's shape; stays as it is.</param>
    /// <param name="firstSample">The index of the batch's first sample.</param>
    /// <param name="noise">z for each step, like x_T, instead of drawing it; nothing is replayed then.</param>
    /// <param name="observer">Called after each step.</param>
    /// <returns>The samples, like x_T, which the caller disposes.</returns>
    /// <exception cref="ArgumentException">A start of another shape, noise for another number of steps, or a denoiser that answers in another shape.</exception>
    /// <exception cref="DeviceException">The device has no memory for a step, or is lost.</exception>
    public Tensor Run(Tensor start, int firstSample = 0, IReadOnlyList<Tensor>? noise = null, StepObserver? observer = null)
    {
        int count = _table.Rows.Count;
        if (start.Shape != _step.X.Shape)
        {
            throw new ArgumentException($"the loop was made for batches of {_step.X.Shape}, but {start} is to be the start");
        }
        if (noise is not null && noise.Count != count)
        {
            throw new ArgumentException($"the table has {count} steps, but noise is given for {noise.Count}");
        }
        _step.Begin(start);
        _positions!.Upload([.. Enumerable.Range(0, count).SelectMany(i => (int[])[i, firstSample])]);
        for (int i = 0; i < count; i++)
        {
            _step.MoveTo(i, _rows!, _timesteps!, _positions);
            _step.GivenNoise = noise?[i];
            Do(_table.Rows[i].AsksNetwork);
            observer?.Invoke(i, _step.X, _step.X0);
        }
        _step.GivenNoise = null;
        return new Tensor(start.Device, start.Shape, name: "samples").CopyFrom(_step.X);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _asking?.Dispose();
        _advancing?.Dispose();
        _rows?.Dispose();
        _timesteps?.Dispose();
        _positions?.Dispose();
        _step.Dispose();
    }

    /// <summary>The work of a step: there are two kinds, each recorded when it first comes.</summary>
    private void Do(bool asksNetwork)
    {
        if (!_replay || _step.GivenNoise is not null)
        {
            Work();
        }
        else if (asksNetwork)
        {
            (_asking ??= _step.X.Device.Record(Work)).Launch();
        }
        else
        {
            (_advancing ??= _step.X.Device.Record(Work)).Launch();
        }

        void Work()
        {
            if (asksNetwork)
            {
                _sampler.Step(_step);
            }
            else
            {
                _step.Advance();
            }
        }
    }
}
