using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// A step's tensors and numbers on the device, and what samplers and hooks put together from them. All of it stays where it is from step to
/// step; the numbers change, by copies on the device.
/// </summary>
public sealed class SamplingStep : IDisposable
{
    private readonly StepTable _table;
    private readonly Denoiser _denoiser;
    private readonly IReadOnlyList<IStepHook> _hooks;
    private readonly ulong _seed;
    private readonly List<Tensor> _owned = [];
    private readonly Tensor[] _history;
    private readonly Tensor _row, _position;

    internal SamplingStep(StepTable table, int history, Denoiser denoiser, IReadOnlyList<IStepHook> hooks, Device device, Shape shape, ulong seed)
    {
        if (table.HistoryTerms > history)
        {
            throw new ArgumentException($"the table takes parts of {table.HistoryTerms} earlier steps, but the sampler keeps {history}");
        }
        (_table, _denoiser, _hooks, _seed) = (table, denoiser, hooks, seed);
        try
        {
            X = Own(new Tensor(device, shape, name: "x"));
            X0 = Own(new Tensor(device, shape, name: "x̂0"));
            _history = [.. Enumerable.Range(1, history).Select(k => Own(new Tensor(device, shape, name: $"history {k}")))];
            _row = Own(new Tensor(device, new Shape(table.Width), name: "the step's numbers"));
            Timesteps = Own(new Tensor(device, new Shape(shape.N), name: "the step's timesteps"));
            _position = Own(new Tensor(device, new Shape(2), DType.Int32, "the step's noise position"));
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>x, [N, …].</summary>
    public Tensor X { get; }

    /// <summary>x̂_0, like x: what the data was last taken to be; zero before the first estimate.</summary>
    public Tensor X0 { get; }

    /// <summary>What earlier steps left by <see cref="Remember"/>, each like x, the latest first; zero where there was none.</summary>
    public IReadOnlyList<Tensor> History => _history;

    /// <summary>[N]: the timestep that the network hears, the same for each sample.</summary>
    public Tensor Timesteps { get; }

    /// <summary>z instead of drawing it; null to draw.</summary>
    internal Tensor? GivenNoise { get; set; }

    /// <summary>A column of the step's row.</summary>
    /// <param name="column">Its name in the <see cref="StepTable"/>.</param>
    /// <returns>[1, K], in place.</returns>
    /// <exception cref="ArgumentException">There is no such column.</exception>
    public Tensor Coefficients(string column) => Column(column, rank: 2);

    /// <summary>The step's own random numbers for a purpose. They depend on the seed, the step's place in the table and the sample's index.</summary>
    public RandomStream Noise(RandomPurpose purpose) => new(_seed, purpose, _position);

    /// <summary>Asks the network about x, after the hooks have seen it.</summary>
    /// <returns>Its output, like x, which the caller may overwrite, and disposes.</returns>
    /// <exception cref="ArgumentException">The network answers in another shape.</exception>
    public Tensor Denoise()
    {
        foreach (var hook in _hooks)
        {
            hook.BeforeNetwork(this);
        }
        if (!_table.ScalesInput)
        {
            return Checked(_denoiser(X, Timesteps));
        }
        using var scaled = new Tensor(X.Device, X.Shape, name: "scaled x");
        Sum(StepTable.InputScale, [X], scaled);
        return Checked(_denoiser(scaled, Timesteps));
    }

    /// <summary>x̂_0 = clamp(P·x + Q·output, ±Clip), and then what the hooks make of it.</summary>
    /// <param name="output">What the network said, like x.</param>
    public void Estimate(Tensor output)
    {
        X.Device.EstimateX0(X, output, Coefficients(StepTable.Estimate), X0);
        foreach (var hook in _hooks)
        {
            hook.AfterEstimate(this);
        }
    }

    /// <summary>x = U·x + V·x̂_0 + Σ W_k·history_k + S·z.</summary>
    public void Advance() =>
        X.Device.WeightedSum(Coefficients(StepTable.Advance), [X, X0, .. _history[.._table.HistoryTerms]], GivenNoise, Noise(RandomPurpose.SamplingStep), X);

    /// <summary><see cref="Estimate"/>, then <see cref="Advance"/>: in one pass over memory, with the same bits, where nothing comes between.</summary>
    /// <param name="output">What the network said, like x.</param>
    public void Update(Tensor output)
    {
        if (_hooks.Count > 0 || _table.HistoryTerms > 1)
        {
            Estimate(output);
            Advance();
            return;
        }
        var previous = _table.HistoryTerms == 1 ? _history[0] : null;
        X.Device.DenoiseUpdate(X, output, previous, Column(StepTable.Update, rank: 1), GivenNoise, Noise(RandomPurpose.SamplingStep), X0, X);
    }

    /// <summary>target = Σ c_k·term_k, with the numbers of a column.</summary>
    /// <param name="column">As many numbers as terms.</param>
    /// <param name="terms">Like x.</param>
    /// <param name="target">Like x; may be one of the terms.</param>
    public void Sum(string column, ReadOnlySpan<Tensor> terms, Tensor target) => X.Device.WeightedSum(Coefficients(column), terms, null, default, target);

    /// <summary>Keeps a copy of a tensor as the latest of the history; the oldest is forgotten.</summary>
    /// <param name="tensor">Like x.</param>
    public void Remember(Tensor tensor)
    {
        for (int k = _history.Length - 1; k > 0; k--)
        {
            _history[k].CopyFrom(_history[k - 1]);
        }
        _history[0].CopyFrom(tensor);
    }

    /// <summary>Puts the start in place, and forgets what the batch before has left.</summary>
    internal void Begin(Tensor start)
    {
        X.CopyFrom(start);
        X0.Clear();
        Array.ForEach(_history, tensor => tensor.Clear());
    }

    /// <summary>Moves on to a row of the table: copies on the device.</summary>
    internal void MoveTo(int row, Tensor table, Tensor timesteps, Tensor positions)
    {
        _row.CopyFrom(table.Slice((long)row * _row.Shape.Count, _row.Shape));
        Timesteps.CopyFrom(timesteps.Slice((long)row * Timesteps.Shape.Count, Timesteps.Shape));
        _position.CopyFrom(positions.Slice(2L * row, _position.Shape));
    }

    /// <inheritdoc/>
    public void Dispose() => _owned.ForEach(tensor => tensor.Dispose());

    private Tensor Own(Tensor tensor)
    {
        _owned.Add(tensor);
        return tensor;
    }

    private Tensor Column(string name, int rank)
    {
        var (offset, width) = _table.Column(name);
        return _row.Slice(offset, rank == 1 ? new Shape(width) : new Shape(1, width), name);
    }

    private Tensor Checked(Tensor output)
    {
        if (output.Shape == X.Shape)
        {
            return output;
        }
        string answer = output.ToString();
        output.Dispose();
        throw new ArgumentException($"the denoiser should answer in the shape of {X}, but it returned {answer}");
    }
}
