using RawDiffusion.Cases;
using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Testing;
using RawDiffusion.Trainer.Commands;

namespace RawDiffusion.UnitTests.Terminal;

public class KernelCheckTests
{
    [Fact]
    public void EveryOpOfARightDeviceIsWell()
    {
        using var cpu = new CpuDevice(1);
        using var device = new ReferenceDevice();
        Assert.All(KernelCheck.Compare(device, cpu), verdict => Assert.True(verdict.IsWell, $"{verdict.Op}: {verdict}"));
        Assert.Equal(0, device.Memory.LiveBlocks + cpu.Memory.LiveBlocks);
    }

    [Fact]
    public void ABrokenOpIsNamedAndNoOther()
    {
        using var cpu = new CpuDevice(1);
        using var device = new Broken();
        Assert.Equal(["UpsampleNearest", "AdamStep"], KernelCheck.Compare(device, cpu).Where(verdict => !verdict.IsWell).Select(verdict => verdict.Op));
    }

    [Fact]
    public void WhatIsNoNumberIsWrong()
    {
        var tensor = new CaseResult("y", new Shape(2), [3, -4]);
        Assert.False(new KernelVerdict("op", (tensor with { Values = [3, double.NaN] }).Errors(tensor, Tolerance.Sum).Max(), 1e9).IsWell);
        // A root mean square of √12.5.
        Assert.Equal([0, 1 / Math.Sqrt(12.5)], (tensor with { Values = [3, -3] }).Errors(tensor, Tolerance.Sum), (a, b) => Math.Abs(a - b) < 1e-12);
        Assert.Equal(0, new KernelVerdict("op", 0, 0).Ratio);
        Assert.True(new KernelVerdict("op", 1e-9, 0).Ratio > new KernelVerdict("op", 1, 1).Ratio);
    }

    /// <summary>Wrong in a backward, and in one of several outputs.</summary>
    private sealed class Broken : ReferenceDevice
    {
        protected override void UpsampleNearestBackwardCore(Tensor dy, Sink dx)
        {
            base.UpsampleNearestBackwardCore(dy, dx);
            dx.Tensor!.Slice(0, new Shape(1)).Clear();
        }

        protected override void AdamStepCore(Tensor parameters, Tensor gradients, Tensor firstMoment, Tensor secondMoment, Tensor ema, Tensor gradientSumOfSquares, Tensor settings)
        {
            base.AdamStepCore(parameters, gradients, firstMoment, secondMoment, ema, gradientSumOfSquares, settings);
            ema.Slice(ema.Shape.Count - 1, new Shape(1)).CopyFrom(parameters.Slice(0, new Shape(1)));
        }
    }
}
