namespace RawDiffusion.Core;

/// <summary>One call of an op, as a <see cref="ShapeDevice"/> saw it: what it is given, what it costs, and how to do the same elsewhere.</summary>
public sealed class OpCall
{
    private readonly Action<Device, StandIns> _run;

    internal OpCall(string op, Operand[] operands, string what, long flops, object? settings, Action<Device, StandIns> run) =>
        (Op, Operands, What, Flops, Settings, _run) = (op, operands, what, flops, settings, run);

    /// <summary>The op: a method of <see cref="Device"/>.</summary>
    public string Op { get; }

    /// <summary>The tensors that it was given; a gradient that nobody wants, or an input left out, is none.</summary>
    public IReadOnlyList<Operand> Operands { get; }

    /// <summary>The extents that matter, and what else the cost depends on, for tables: <c>64×28×28, 32 → 32</c>.</summary>
    public string What { get; }

    /// <summary>Multiplications and additions of its products; zero where memory alone matters.</summary>
    public long Flops { get; }

    /// <summary>Bytes that it moves at the least: each input read once, each output written once.</summary>
    public long Bytes => Operands.Sum(operand => operand.Bytes);

    /// <summary>What else a device's scratch depends on: a convolution's <see cref="ConvGeometry"/>; whether (bool) SiLU follows a group norm.</summary>
    public object? Settings { get; }

    /// <summary>An operand by its parameter's name.</summary>
    /// <exception cref="KeyNotFoundException">There was none.</exception>
    public Operand this[string name] => Find(name) ?? throw new KeyNotFoundException($"{Op} was not given '{name}'; it was given {string.Join(", ", Operands)}");

    /// <summary>An operand by its parameter's name, or null: what was left out, or a gradient that nobody wants.</summary>
    public Operand? Find(string name)
    {
        foreach (var operand in Operands)
        {
            if (operand.Name == name)
            {
                return operand;
            }
        }
        return null;
    }

    /// <summary>Does the same on tensors of another device.</summary>
    /// <param name="standIns">That device's tensors in the place of this call's.</param>
    public void Run(StandIns standIns) => _run(standIns.Device, standIns);

    /// <summary>Op, extents and operands: the same for calls that cost the same.</summary>
    public override string ToString() => $"{Op} {What} ({string.Join(", ", Operands)})";
}
