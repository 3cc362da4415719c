using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>Watches a sampler work. The tensors are the sampler's own and change with the next step.</summary>
/// <param name="step">The step's place in the plan, from 0.</param>
/// <param name="x">x after the step.</param>
/// <param name="x0">x̂_0, what the step took the data to be.</param>
public delegate void SamplerObserver(int step, Tensor x, Tensor x0);

/// <summary>Starts of samples, and one batch of them at once; <see cref="SamplingLoop"/> is for many batches.</summary>
public static class Sampler
{
    /// <summary>The start x_T: standard normal noise.</summary>
    /// <param name="device">Where.</param>
    /// <param name="shape">[N, …].</param>
    /// <param name="seed">The seed of all samples.</param>
    /// <param name="firstSample">The index of the batch's first sample.</param>
    /// <returns>x_T, which the caller disposes.</returns>
    public static Tensor SampleStart(Device device, Shape shape, ulong seed, int firstSample = 0)
    {
        using var position = new Tensor(device, new Shape(2), DType.Int32, "position").Upload([0, firstSample]);
        var start = new Tensor(device, shape, name: "x_T");
        device.FillNormal(start, new RandomStream(seed, RandomPurpose.SamplingStart, position));
        return start;
    }

    /// <summary>Samples one batch by a <see cref="SamplingLoop"/> of its own.</summary>
    /// <param name="plan">The steps.</param>
    /// <param name="denoiser">The network.</param>
    /// <param name="start">x_T, [N, …]; stays as it is.</param>
    /// <param name="seed">The seed of all samples.</param>
    /// <param name="firstSample">The index of the batch's first sample.</param>
    /// <param name="noise">z for each step, like x_T, instead of drawing it.</param>
    /// <param name="observer">Called after each step.</param>
    /// <returns>The samples, like x_T, which the caller disposes.</returns>
    /// <exception cref="ArgumentException">Noise for another number of steps, or a denoiser that answers in another shape.</exception>
    public static Tensor Run(
        SamplerPlan plan, Denoiser denoiser, Tensor start, ulong seed, int firstSample = 0, IReadOnlyList<Tensor>? noise = null, SamplerObserver? observer = null)
    {
        using var loop = new SamplingLoop(plan, denoiser, start.Device, start.Shape, seed, observed: observer is not null);
        return loop.Run(start, firstSample, noise, observer);
    }
}
