namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>y[n, p, q, c] = x[n, p/2, q/2, c]: [N, H, W, C] to [N, 2H, 2W, C].</summary>
    public void UpsampleNearest(Tensor x, Tensor y)
    {
        const string op = nameof(UpsampleNearest);
        Check(op, x);
        Written(op, "y", y, Doubled(op, x));
        UpsampleNearestCore(x, y);
    }

    /// <summary>dx[n, p, q, c] (+)= the sum of dy over the four pixels that copied it.</summary>
    public void UpsampleNearestBackward(Tensor dy, Sink dx)
    {
        const string op = nameof(UpsampleNearestBackward);
        if (dx.Tensor is { } target)
        {
            Check(op, "dy", dy, Doubled(op, target));
            Written(op, "dx", dx, target.Shape);
            UpsampleNearestBackwardCore(dy, dx);
        }
    }

    /// <summary>Does <see cref="UpsampleNearest"/>, whose arguments have been checked.</summary>
    protected abstract void UpsampleNearestCore(Tensor x, Tensor y);

    /// <summary>Does <see cref="UpsampleNearestBackward"/>, whose arguments have been checked.</summary>
    protected abstract void UpsampleNearestBackwardCore(Tensor dy, Sink dx);

    /// <summary>The shape of an image with twice the rows and columns.</summary>
    internal static Shape Doubled(string op, Tensor x)
    {
        Expect(x.Shape.Rank == 4, op, "[N, H, W, C]", x);
        return new Shape(x.Shape[0], 2 * x.Shape[1], 2 * x.Shape[2], x.Shape.C);
    }
}

public sealed partial class Tape
{
    /// <summary>Doubles rows and columns by repeating each pixel: [N, H, W, C] to [N, 2H, 2W, C].</summary>
    public Tensor UpsampleNearest(Tensor x)
    {
        const string op = "UpsampleNearest";
        var y = Make(op, Device.Doubled(op, x));
        Device.UpsampleNearest(x, y);
        return Record(op, y, [x], [], dy => Device.UpsampleNearestBackward(dy, SinkOf(x)));
    }
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void UpsampleNearestCore(Tensor x, Tensor y) =>
        Note(nameof(UpsampleNearest), [Read(x), Write(y)], $"{x.Shape}", (device, on) => device.UpsampleNearest(on[x], on[y]));

    /// <inheritdoc/>
    protected override void UpsampleNearestBackwardCore(Tensor dy, Sink dx) =>
        Note(nameof(UpsampleNearestBackward), [Read(dy), Into(dx)], $"{dx.Tensor!.Shape}", (device, on) => device.UpsampleNearestBackward(on[dy], on[dx]));
}
