namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>
    /// y = mask·a + (1 − mask)·b element by element; exactly a where the mask is 1 and b where it is 0, whatever the other holds. Nothing is
    /// recorded by a tape.
    /// </summary>
    /// <param name="mask">Within 0..1.</param>
    /// <param name="a">Like the mask.</param>
    /// <param name="b">Like the mask.</param>
    /// <param name="y">Like the mask; may be any of the three.</param>
    public void Blend(Tensor mask, Tensor a, Tensor b, Tensor y)
    {
        const string op = nameof(Blend);
        Check(op, mask);
        Check(op, "the first image", a, mask.Shape);
        Check(op, "the second image", b, mask.Shape);
        Written(op, "y", y, mask.Shape);
        BlendCore(mask, a, b, y);
    }

    /// <summary>Does <see cref="Blend"/>, whose arguments have been checked.</summary>
    protected abstract void BlendCore(Tensor mask, Tensor a, Tensor b, Tensor y);
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void BlendCore(Tensor mask, Tensor a, Tensor b, Tensor y) =>
        Note(nameof(Blend), [Read(mask), Read(a), Read(b), Write(y)], $"{mask.Shape}", (device, on) => device.Blend(on[mask], on[a], on[b], on[y]));
}
