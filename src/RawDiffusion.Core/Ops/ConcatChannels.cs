namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y[…, 0..Ca) = a, y[…, Ca..Ca+Cb) = b.</summary>
    public abstract void ConcatChannels(Tensor a, Tensor b, Tensor y);

    /// <summary>da (+)= dy[…, 0..Ca), then db (+)= dy[…, Ca..Ca+Cb).</summary>
    public abstract void ConcatChannelsBackward(Tensor dy, Sink da, Sink db, int channelsA);
}

public sealed partial class Tape
{
    /// <summary>Puts the channels of two tensors side by side: [N, …, Ca] and [N, …, Cb] to [N, …, Ca + Cb].</summary>
    /// <exception cref="ArgumentException">The shapes differ in more than their channels.</exception>
    public Tensor ConcatChannels(Tensor a, Tensor b)
    {
        const string op = "ConcatChannels";
        Check(op, a, b);
        Expect(a.Shape.WithChannels(1) == b.Shape.WithChannels(1), op, "shapes that differ in their channels only", a, b);
        var y = Make(op, a.Shape.WithChannels(a.Shape.C + b.Shape.C));
        Device.ConcatChannels(a, b, y);
        return Record(op, y, [a, b], [], dy => Device.ConcatChannelsBackward(dy, SinkOf(a), SinkOf(b), a.Shape.C));
    }
}
