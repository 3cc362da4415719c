namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y = x/(1 − rate) where the stream's uniform number is at least the rate, else 0. The backward is the same with dy for x.</summary>
    /// <param name="x">[N, …].</param>
    /// <param name="y">Like x; may be x itself unless it is added to.</param>
    /// <param name="rate">In [0, 1).</param>
    /// <param name="stream">Uniform number of an element: <see cref="Philox.Uniform"/> of its word.</param>
    public void Dropout(Tensor x, Sink y, double rate, in RandomStream stream)
    {
        const string op = nameof(Dropout);
        Check(op, x);
        Check(op, stream);
        if (rate is not (>= 0 and < 1))
        {
            throw Unfit(op, $"a rate in [0, 1), not {rate}", x);
        }
        if (Written(op, "y", y, x.Shape))
        {
            DropoutCore(x, y, rate, stream);
        }
    }

    /// <summary>Does <see cref="Dropout"/>, whose arguments have been checked.</summary>
    protected abstract void DropoutCore(Tensor x, Sink y, double rate, in RandomStream stream);
}

public sealed partial class Tape
{
    /// <summary>Dropout of Srivastava et al. 2014, scaled at training time. The mask is drawn anew in the backward rather than stored.</summary>
    /// <param name="x">[N, …].</param>
    /// <param name="rate">The probability of zero, in [0, 1).</param>
    /// <param name="stream">Where the mask comes from; its position must not change before the backward.</param>
    /// <exception cref="ArgumentException">A rate out of range, or a position that is not Int32 [2].</exception>
    public Tensor Dropout(Tensor x, double rate, RandomStream stream)
    {
        const string op = "Dropout";
        var y = Make(op, x.Shape);
        Device.Dropout(x, Sink.Into(y), rate, stream);
        return Record(op, y, [x], [], dy => Device.Dropout(dy, SinkOf(x), rate, stream));
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void DropoutCore(Tensor x, Sink y, double rate, in RandomStream stream)
    {
        var from = stream;
        Note(nameof(Dropout), [Read(x), Into(y)], $"{x.Shape}", (device, on) => device.Dropout(on[x], on[y], rate, on[from]));
    }
}
