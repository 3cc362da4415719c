using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;

namespace RawDiffusion.Pipelines;

/// <summary>A network together with the process it was trained for: what sampling needs, during training and from a file.</summary>
/// <param name="Network">The network, whose parameters have memory.</param>
/// <param name="Device">Where they live.</param>
/// <param name="Process">The process that it was trained on.</param>
/// <param name="Height">Rows of the images to draw; the network's input may be larger, and is cropped back.</param>
/// <param name="Width">Columns of the images to draw.</param>
public sealed record GenerativeModel(UNet Network, Device Device, DiffusionProcess Process, int Height, int Width)
{
    /// <summary>Channels of an image. If not set, the fewer of what the network takes and what it answers: the rest are condition planes or extra outputs.</summary>
    public int Channels { get => field > 0 ? field : Math.Min(Network.Config.InChannels, Network.Config.OutChannels); init; }

    /// <summary>Whether the outputs besides the prediction are a variance that drawing would have to use, and cannot yet.</summary>
    public bool LearnedVariance { get; init; }

    /// <summary>Condition planes that the network takes besides an image.</summary>
    public int Planes => Conditioned().Planes;

    /// <summary>What the rows of the class embedding stand for. If not set, the last one stands for "no class", and was trained.</summary>
    public ClassRows Rows { get => field ?? ClassRows.Trained(Network.Config.ClassEmbeddings, labelDropout: 1); init; }

    /// <summary>The number of classes to ask for; 0 for an unconditional network.</summary>
    public int Classes => Rows.Classes;

    /// <summary>All that the network answers, without recording.</summary>
    /// <param name="input">x [N, H, W, C] of the network's size, timesteps [N], labels where the network has classes, planes where it takes some.</param>
    /// <returns>[N, H, W, outputs], which the caller disposes.</returns>
    public Tensor Answer(in NetworkInput input)
    {
        using var tape = new Tape(Device, recording: false);
        return tape.Detach(Conditioned().Forward(tape, input));
    }

    /// <summary>The network's prediction alone, without recording.</summary>
    /// <param name="input">As for <see cref="Answer"/>.</param>
    /// <returns>[N, H, W, C], which the caller disposes.</returns>
    public Tensor Predict(in NetworkInput input)
    {
        using var tape = new Tape(Device, recording: false);
        return tape.Detach(Conditioned().Predict(tape, input));
    }

    /// <summary>The network as samplers see it, under a condition.</summary>
    /// <param name="condition">Labels where the network has classes, planes where it takes some: what the tensors hold when a step runs.</param>
    public Denoiser Denoiser(Condition condition = default) => (x, timesteps) => Predict(new NetworkInput(x, timesteps, condition));

    private ConditionedNetwork Conditioned() => new(Network.Forward, Channels, Network.Config.InChannels, Network.Config.OutChannels);
}
