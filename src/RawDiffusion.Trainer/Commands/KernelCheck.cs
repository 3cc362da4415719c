using RawDiffusion.Cases;
using RawDiffusion.Core;

namespace RawDiffusion.Trainer.Commands;

/// <summary>Runs every case of every op, forward and backward, on a device and on the CPU.</summary>
internal static class KernelCheck
{
    // Each of the two may be as far as the case allows from what is right.
    private const double Devices = 2;

    /// <summary>Compares each op.</summary>
    /// <param name="device">The device in question.</param>
    /// <param name="cpu">What it is compared with.</param>
    /// <returns>For each op, in the cases' order, the case that is furthest off.</returns>
    public static IEnumerable<KernelVerdict> Compare(Device device, Device cpu) =>
        OpCases.All.GroupBy(opCase => opCase.Op).Select(cases => cases.Select(opCase => Compare(opCase, device, cpu)).MaxBy(verdict => verdict.Ratio));

    private static KernelVerdict Compare(OpCase opCase, Device device, Device cpu)
    {
        double allowed = Devices * opCase.Tolerance.Float32;
        try
        {
            var expected = Run(opCase, cpu);
            var errors = Run(opCase, device).Zip(expected, (got, right) => got.Errors(right, opCase.Tolerance).Max());
            return new KernelVerdict(opCase.Op, errors.Max(), allowed);
        }
        catch (ConformanceException)
        {
            // It wrote where it should not, or left something behind.
            return new KernelVerdict(opCase.Op, double.PositiveInfinity, allowed);
        }
    }

    private static IReadOnlyList<CaseResult> Run(OpCase opCase, Device device)
    {
        bool poisons = device.PoisonNewTensors;
        try
        {
            return CaseRun.Run(opCase, device);
        }
        finally
        {
            device.PoisonNewTensors = poisons;
        }
    }
}
