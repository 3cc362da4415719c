namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y = a·x + b·z element by element; z may be null (then b is ignored), and y may be x or z itself.</summary>
    public void LinearCombination(double a, Tensor x, double b, Tensor? z, Tensor y)
    {
        const string op = nameof(LinearCombination);
        Check(op, x);
        Check(op, "the second term", z, x.Shape);
        Written(op, "y", y, x.Shape);
        LinearCombinationCore(a, x, b, z, y);
    }

    /// <summary>Does <see cref="LinearCombination"/>, whose arguments have been checked.</summary>
    protected abstract void LinearCombinationCore(double a, Tensor x, double b, Tensor? z, Tensor y);
}

public sealed partial class Tape
{
    /// <summary>x + z.</summary>
    public Tensor Add(Tensor x, Tensor z) => LinearCombination(1, x, 1, z);

    /// <summary>factor·x.</summary>
    public Tensor Scale(Tensor x, double factor) => LinearCombination(factor, x, 0, null);

    /// <summary>a·x + b·z, for tensors of one shape.</summary>
    /// <exception cref="ArgumentException">Different shapes.</exception>
    public Tensor LinearCombination(double a, Tensor x, double b, Tensor? z)
    {
        const string op = "LinearCombination";
        var y = Make(op, x.Shape);
        Device.LinearCombination(a, x, b, z, y);
        return Record(op, y, [x, z], [], dy =>
        {
            AddScaled(dy, a, x);
            AddScaled(dy, b, z);
        });
    }

    /// <summary>Brings factor·dy to an input.</summary>
    private void AddScaled(Tensor dy, double factor, Tensor? input)
    {
        if (SinkOf(input) is { Tensor: { } target } sink)
        {
            Device.LinearCombination(factor, dy, 1, sink.Accumulate ? target : null, target);
        }
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void LinearCombinationCore(double a, Tensor x, double b, Tensor? z, Tensor y) =>
        Note(nameof(LinearCombination), [Read(x), Read(z), Write(y)], $"{x.Shape}", (device, on) => device.LinearCombination(a, on[x], b, on.OrNull(z), on[y]));
}
