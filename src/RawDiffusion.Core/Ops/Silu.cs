namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y = x·σ(x), σ the logistic function.</summary>
    public void Silu(Tensor x, Tensor y)
    {
        const string op = nameof(Silu);
        Check(op, x);
        Written(op, "y", y, x.Shape);
        SiluCore(x, y);
    }

    /// <summary>dx (+)= dy·σ(x)·(1 + x·(1 − σ(x))).</summary>
    public void SiluBackward(Tensor dy, Tensor x, Sink dx)
    {
        const string op = nameof(SiluBackward);
        Check(op, x);
        Check(op, "dy", dy, x.Shape);
        if (Written(op, "dx", dx, x.Shape))
        {
            SiluBackwardCore(dy, x, dx);
        }
    }

    /// <summary>Does <see cref="Silu"/>, whose arguments have been checked.</summary>
    protected abstract void SiluCore(Tensor x, Tensor y);

    /// <summary>Does <see cref="SiluBackward"/>, whose arguments have been checked.</summary>
    protected abstract void SiluBackwardCore(Tensor dy, Tensor x, Sink dx);
}

public sealed partial class Tape
{
    /// <summary>The activation x·σ(x) of Elfwing et al. 2017 (also called swish).</summary>
    public Tensor Silu(Tensor x)
    {
        const string op = "Silu";
        var y = Make(op, x.Shape);
        Device.Silu(x, y);
        return Record(op, y, [x], [], dy => Device.SiluBackward(dy, x, SinkOf(x)));
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void SiluCore(Tensor x, Tensor y) =>
        Note(nameof(Silu), [Read(x), Write(y)], $"{x.Shape}", (device, on) => device.Silu(on[x], on[y]));

    /// <inheritdoc/>
    protected override void SiluBackwardCore(Tensor dy, Tensor x, Sink dx) =>
        Note(nameof(SiluBackward), [Read(dy), Read(x), Into(dx)], $"{x.Shape}", (device, on) => device.SiluBackward(on[dy], on[x], on[dx]));
}
