namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y = x·σ(x), σ the logistic function.</summary>
    public abstract void Silu(Tensor x, Tensor y);

    /// <summary>dx (+)= dy·σ(x)·(1 + x·(1 − σ(x))).</summary>
    public abstract void SiluBackward(Tensor dy, Tensor x, Sink dx);
}

public sealed partial class Tape
{
    /// <summary>The activation x·σ(x) of Elfwing et al. 2017 (also called swish).</summary>
    public Tensor Silu(Tensor x)
    {
        const string op = "Silu";
        Check(op, x);
        var y = Make(op, x.Shape);
        Device.Silu(x, y);
        return Record(op, y, [x], [], dy => Device.SiluBackward(dy, x, SinkOf(x)));
    }
}
