namespace RawDiffusion.Core;

public sealed partial class Tape
{
    /// <summary>
    /// Takes a tensor's channels apart: [N, …, C] to [N, …, channels] and [N, …, C − channels]. The undoing of <see cref="ConcatChannels"/>,
    /// whose two halves of the contract do it.
    /// </summary>
    /// <param name="x">[N, …, C].</param>
    /// <param name="channels">Channels of the first part: at least 1, and fewer than C.</param>
    /// <exception cref="ArgumentException">One of the parts would be empty.</exception>
    public (Tensor First, Tensor Second) SplitChannels(Tensor x, int channels)
    {
        const string op = "SplitChannels";
        Device.Check(op, x);
        Device.Expect(channels >= 1 && channels < x.Shape.C, op, $"a tensor of more than the {channels} channels of its first part, of which there is at least 1", x);
        var first = Make(op + ".first", x.Shape.WithChannels(channels));
        var second = Make(op + ".second", x.Shape.WithChannels(x.Shape.C - channels));
        Device.ConcatChannelsBackward(x, Sink.Into(first), Sink.Into(second), channels);
        Record(op, first, [x], [], dy => BringPart(x, dy, second.Shape, partIsFirst: true));
        Record(op, second, [x], [], dy => BringPart(x, dy, first.Shape, partIsFirst: false));
        return (first, second);
    }

    /// <summary>Brings a part's gradient to the whole, which the other part leaves as it is.</summary>
    private void BringPart(Tensor x, Tensor dy, Shape other, bool partIsFirst)
    {
        if (SinkOf(x) is not { Tensor: { } dx } sink)
        {
            return;
        }
        using var zeros = new Tensor(Device, other, null, "no gradient").Clear();
        using var padded = sink.Accumulate ? new Tensor(Device, x.Shape, null, "a part's gradient") : null;
        Device.ConcatChannels(partIsFirst ? dy : zeros, partIsFirst ? zeros : dy, padded ?? dx);
        if (padded is not null)
        {
            Device.LinearCombination(1, padded, 1, dx, dx);
        }
    }
}
