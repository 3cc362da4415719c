using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// All that changes from step to step of a sampler, worked out before it starts, from noise to data: a row of numbers for each step. A
/// timestep may come more than once, and in any order. Samplers and hooks that need numbers of their own add named columns.
/// </summary>
public sealed class StepTable
{
    /// <summary>The column (P, Q, Clip) of every table.</summary>
    public const string Estimate = "estimate";

    /// <summary>The column (U, V, W…, S) of every table.</summary>
    public const string Advance = "advance";

    /// <summary>The column InputScale of every table.</summary>
    public const string InputScale = "input scale";

    /// <summary>What <see cref="Device.DenoiseUpdate"/> reads: estimate and advance as one, where at most one earlier tensor takes part.</summary>
    internal const string Update = "update";

    private readonly List<(string Name, double[][] Values)> _columns;

    /// <summary>A table of these steps.</summary>
    /// <param name="rows">The steps, from noise to data.</param>
    /// <exception cref="ArgumentException">No step, or rows with different numbers of W.</exception>
    public StepTable(IReadOnlyList<StepRow> rows)
    {
        if (rows.Count == 0)
        {
            throw new ArgumentException("a sampler needs at least one step");
        }
        int terms = rows[0].W.Count;
        if (rows.FirstOrDefault(row => row.W.Count != terms) is { } other)
        {
            throw new ArgumentException($"the first step has {terms} parts of earlier steps, but another has {other.W.Count}: give all of them as many, 0 where nothing is taken");
        }
        Rows = rows;
        _columns =
        [
            (Estimate, [.. rows.Select(row => (double[])[row.P, row.Q, row.Clip])]),
            (Advance, [.. rows.Select(row => (double[])[row.U, row.V, .. row.W, row.S])]),
            (InputScale, [.. rows.Select(row => (double[])[row.InputScale])]),
            (Update, [.. rows.Select(Fused)]),
        ];
    }

    private StepTable(IReadOnlyList<StepRow> rows, List<(string, double[][])> columns) => (Rows, _columns) = (rows, columns);

    /// <summary>The steps, from noise to data.</summary>
    public IReadOnlyList<StepRow> Rows { get; }

    /// <summary>What standard normal noise is multiplied by to start from: 1 where variance is preserved.</summary>
    public double StartScale { get; init; } = 1;

    /// <summary>How often the network is asked in all.</summary>
    public int Evaluations => Rows.Count(row => row.AsksNetwork);

    /// <summary>How many tensors of earlier steps go into the next x.</summary>
    public int HistoryTerms => Rows[0].W.Count;

    /// <summary>Whether the network hears another x than the sampler's in some step.</summary>
    public bool ScalesInput => Rows.Any(row => row.InputScale != 1);

    /// <summary>How many numbers a row has, those of all columns.</summary>
    internal int Width => _columns.Sum(column => column.Values[0].Length);

    /// <summary>This table with a column more.</summary>
    /// <param name="name">What <see cref="SamplingStep.Coefficients"/> asks for.</param>
    /// <param name="values">A row's numbers by its place, as many for each.</param>
    /// <exception cref="ArgumentException">The name is taken, or rows have different numbers of them.</exception>
    public StepTable With(string name, Func<int, double[]> values)
    {
        double[][] column = [.. Enumerable.Range(0, Rows.Count).Select(values)];
        if (_columns.Exists(other => other.Name == name) || column[0].Length == 0 || Array.Exists(column, row => row.Length != column[0].Length))
        {
            throw new ArgumentException($"the column '{name}' should have a name of its own, and as many numbers in each row");
        }
        return new StepTable(Rows, [.. _columns, (name, column)]) { StartScale = StartScale };
    }

    /// <summary>A column's place in a row, and how many numbers it has.</summary>
    /// <exception cref="ArgumentException">There is no such column.</exception>
    internal (int Offset, int Width) Column(string name)
    {
        int offset = 0;
        foreach (var (itsName, values) in _columns)
        {
            if (itsName == name)
            {
                return (offset, values[0].Length);
            }
            offset += values[0].Length;
        }
        throw new ArgumentException($"the table has no column '{name}', only {string.Join(", ", _columns.Select(column => column.Name))}");
    }

    /// <summary>The table on a device, [S, Width].</summary>
    internal Tensor Upload(Device device) => new Tensor(device, new Shape(Rows.Count, Width), name: "step table")
        .Upload([.. Enumerable.Range(0, Rows.Count).SelectMany(row => _columns.SelectMany(column => column.Values[row]))]);

    /// <summary>The timesteps, repeated for each sample, [S, N], on a device; what a step that asks nothing hears does not matter.</summary>
    internal Tensor UploadTimesteps(Device device, int samples) => new Tensor(device, new Shape(Rows.Count, samples), name: "sampler timesteps")
        .Upload([.. Rows.SelectMany(row => Enumerable.Repeat(row.AsksNetwork ? row.Timestep : 0, samples))]);

    private static double[] Fused(StepRow row)
    {
        double[] numbers = new double[(int)DenoiseCoefficient.Count];
        numbers[(int)DenoiseCoefficient.P] = row.P;
        numbers[(int)DenoiseCoefficient.Q] = row.Q;
        numbers[(int)DenoiseCoefficient.Clip] = row.Clip;
        numbers[(int)DenoiseCoefficient.U] = row.U;
        numbers[(int)DenoiseCoefficient.V] = row.V;
        numbers[(int)DenoiseCoefficient.W] = row.W.Count > 0 ? row.W[0] : 0;
        numbers[(int)DenoiseCoefficient.S] = row.S;
        return numbers;
    }
}
