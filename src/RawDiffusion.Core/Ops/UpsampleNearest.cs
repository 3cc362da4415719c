namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y[n, p, q, c] = x[n, p/2, q/2, c]: [N, H, W, C] to [N, 2H, 2W, C].</summary>
    public abstract void UpsampleNearest(Tensor x, Tensor y);

    /// <summary>dx[n, p, q, c] (+)= the sum of dy over the four pixels that copied it.</summary>
    public abstract void UpsampleNearestBackward(Tensor dy, Sink dx);
}

public sealed partial class Tape
{
    /// <summary>Doubles rows and columns by repeating each pixel: [N, H, W, C] to [N, 2H, 2W, C].</summary>
    public Tensor UpsampleNearest(Tensor x)
    {
        const string op = "UpsampleNearest";
        Check(op, x);
        Expect(x.Shape.Rank == 4, op, "[N, H, W, C]", x);
        var y = Make(op, new Shape(x.Shape[0], 2 * x.Shape[1], 2 * x.Shape[2], x.Shape.C));
        Device.UpsampleNearest(x, y);
        return Record(op, y, [x], [], dy => Device.UpsampleNearestBackward(dy, SinkOf(x)));
    }
}
