using System.Runtime.InteropServices;
using RawDiffusion.Core;
using RawDiffusion.Testing;

namespace RawDiffusion.ConformanceTests;

/// <summary>Reference devices with a SiLU, or once a GroupNorm, that is broken in one way each: what the conformance suite has to notice.</summary>
internal sealed class SlightlyWrongForward : ReferenceDevice
{
    protected override void SiluCore(Tensor x, Tensor y)
    {
        base.SiluCore(x, y);
        Reals(y)[^1] += 1e-8;
    }
}

internal sealed class SlightlyWrongBackward : ReferenceDevice
{
    protected override void SiluBackwardCore(Tensor dy, Tensor x, Sink dx)
    {
        base.SiluBackwardCore(dy, x, dx);
        Reals(dx.Tensor!)[^1] += 1e-5;
    }
}

internal sealed class ForgetsTheLastElement : ReferenceDevice
{
    protected override void SiluCore(Tensor x, Tensor y)
    {
        double before = Reals(y)[^1];
        base.SiluCore(x, y);
        Reals(y)[^1] = before;
    }
}

internal sealed class NeverAccumulates : ReferenceDevice
{
    protected override void SiluBackwardCore(Tensor dy, Tensor x, Sink dx) => base.SiluBackwardCore(dy, x, Sink.Into(dx.Tensor!));
}

internal sealed class AlwaysAccumulates : ReferenceDevice
{
    protected override void SiluBackwardCore(Tensor dy, Tensor x, Sink dx) => base.SiluBackwardCore(dy, x, Sink.Onto(dx.Tensor!));
}

internal sealed class WritesPastTheEnd : ReferenceDevice
{
    protected override void SiluBackwardCore(Tensor dy, Tensor x, Sink dx)
    {
        base.SiluBackwardCore(dy, x, dx);
        Marshal.WriteInt64(dx.Tensor!.Address, (int)dx.Tensor.Bytes, 0);
    }
}

internal sealed class ChangesItsInput : ReferenceDevice
{
    protected override void SiluCore(Tensor x, Tensor y)
    {
        base.SiluCore(x, y);
        Reals(x)[0] += 1;
    }
}

internal sealed class Leaks : ReferenceDevice
{
    protected override void SiluCore(Tensor x, Tensor y)
    {
        base.SiluCore(x, y);
        Memory.Rent(64, "a workspace that nobody returns");
    }
}

internal sealed class NeverTheSame : ReferenceDevice
{
    private int _calls;

    protected override void SiluCore(Tensor x, Tensor y)
    {
        base.SiluCore(x, y);
        Reals(y)[0] *= 1 + 1e-15 * ++_calls;
    }
}

internal sealed class OneFlagForTwo : ReferenceDevice
{
    protected override void GroupNormBackwardCore(
        Tensor dy, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor mean, Tensor rstd, Sink dx, Sink dgamma, Sink dbeta,
        Sink dScaleShift, int groups, bool silu) =>
        base.GroupNormBackwardCore(dy, x, gamma, beta, scaleShift, mean, rstd, dx, dgamma, dbeta with { Accumulate = dgamma.Accumulate }, dScaleShift, groups, silu);
}
