using RawDiffusion.Core;
using RawDiffusion.Diffusion;

namespace RawDiffusion.UnitTests.Diffusion;

/// <summary>One batch of samples, by a loop of its own.</summary>
internal static class SamplerRun
{
    public static Tensor Start(Device device, Shape shape, ulong seed, int firstSample = 0)
    {
        using var position = new Tensor(device, new Shape(2), DType.Int32).Upload([0, firstSample]);
        var start = new Tensor(device, shape, name: "x_T");
        device.FillNormal(start, new RandomStream(seed, RandomPurpose.SamplingStart, position));
        return start;
    }

    public static Tensor Run(
        Sampler sampler, StepTable table, Denoiser denoiser, Tensor start, ulong seed, int firstSample = 0, IReadOnlyList<Tensor>? noise = null,
        StepObserver? observer = null, IReadOnlyList<IStepHook>? hooks = null)
    {
        using var loop = new SamplingLoop(sampler, table, denoiser, start.Device, start.Shape, seed, hooks);
        return loop.Run(start, firstSample, noise, observer);
    }
}
