namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y[…, 0..Ca) = a, y[…, Ca..Ca+Cb) = b.</summary>
    public void ConcatChannels(Tensor a, Tensor b, Tensor y)
    {
        const string op = nameof(ConcatChannels);
        Check(op, a, b);
        Expect(a.Shape.WithChannels(1) == b.Shape.WithChannels(1), op, "shapes that differ in their channels only", a, b);
        Written(op, "y", y, a.Shape.WithChannels(a.Shape.C + b.Shape.C));
        ConcatChannelsCore(a, b, y);
    }

    /// <summary>da (+)= dy[…, 0..Ca), then db (+)= dy[…, Ca..Ca+Cb).</summary>
    public void ConcatChannelsBackward(Tensor dy, Sink da, Sink db, int channelsA)
    {
        const string op = nameof(ConcatChannelsBackward);
        Check(op, dy);
        if (channelsA < 1 || channelsA >= dy.Shape.C)
        {
            throw Unfit(op, $"more than {channelsA} channels, of which at least 1 is a's", dy);
        }
        if (Written(op, "da", da, dy.Shape.WithChannels(channelsA)) | Written(op, "db", db, dy.Shape.WithChannels(dy.Shape.C - channelsA)))
        {
            ConcatChannelsBackwardCore(dy, da, db, channelsA);
        }
    }

    /// <summary>Does <see cref="ConcatChannels"/>, whose arguments have been checked.</summary>
    protected abstract void ConcatChannelsCore(Tensor a, Tensor b, Tensor y);

    /// <summary>Does <see cref="ConcatChannelsBackward"/>, whose arguments have been checked.</summary>
    protected abstract void ConcatChannelsBackwardCore(Tensor dy, Sink da, Sink db, int channelsA);
}

public sealed partial class Tape
{
    /// <summary>Puts the channels of two tensors side by side: [N, …, Ca] and [N, …, Cb] to [N, …, Ca + Cb].</summary>
    /// <exception cref="ArgumentException">The shapes differ in more than their channels.</exception>
    public Tensor ConcatChannels(Tensor a, Tensor b)
    {
        const string op = "ConcatChannels";
        var y = Make(op, a.Shape.WithChannels(a.Shape.C + b.Shape.C));
        Device.ConcatChannels(a, b, y);
        return Record(op, y, [a, b], [], dy => Device.ConcatChannelsBackward(dy, SinkOf(a), SinkOf(b), a.Shape.C));
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void ConcatChannelsCore(Tensor a, Tensor b, Tensor y) =>
        Note(nameof(ConcatChannels), [Read(a), Read(b), Write(y)], $"{a.Shape} + {b.Shape.C}", (device, on) => device.ConcatChannels(on[a], on[b], on[y]));

    /// <inheritdoc/>
    protected override void ConcatChannelsBackwardCore(Tensor dy, Sink da, Sink db, int channelsA) =>
        Note(nameof(ConcatChannelsBackward), [Read(dy, Moved(da) + Moved(db)), Into(da), Into(db)], $"{dy.Shape.WithChannels(channelsA)} + {dy.Shape.C - channelsA}",
            (device, on) => device.ConcatChannelsBackward(on[dy], on[da], on[db], channelsA));

    private static long Moved(Sink sink) => sink.Tensor?.Bytes ?? 0;
}
