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
    /// <summary>Channels of an image.</summary>
    public int Channels => Network.Config.OutChannels;

    /// <summary>What the rows of the class embedding stand for. If not set, the last one stands for "no class", and was trained.</summary>
    public ClassRows Rows { get => field ?? ClassRows.Trained(Network.Config.ClassEmbeddings, labelDropout: 1); init; }

    /// <summary>The number of classes to ask for; 0 for an unconditional network.</summary>
    public int Classes => Rows.Classes;

    /// <summary>The network's raw output, without recording.</summary>
    /// <param name="x">[N, H, W, C], the network's size.</param>
    /// <param name="timesteps">[N].</param>
    /// <param name="labels">Int32 [N] where the network has classes.</param>
    /// <returns>[N, H, W, C], which the caller disposes.</returns>
    public Tensor Predict(Tensor x, Tensor timesteps, Tensor? labels)
    {
        using var tape = new Tape(Device, recording: false);
        return tape.Detach(Network.Forward(tape, x, timesteps, labels));
    }

    /// <summary>The denoiser for a batch of labels, with classifier-free guidance where the scale is not 1.</summary>
    /// <param name="labels">Int32 [N] where the network has classes.</param>
    /// <param name="noClass">Int32 [N], all "no class", for a scale other than 1.</param>
    /// <param name="scale">s in ε∅ + s·(ε_y − ε∅).</param>
    public Denoiser Denoiser(Tensor? labels, Tensor? noClass, double scale)
    {
        Denoiser conditional = (x, timesteps) => Predict(x, timesteps, labels);
        return labels is null || noClass is null ? conditional : Guidance.ClassifierFree((x, timesteps) => Predict(x, timesteps, noClass), conditional, scale);
    }
}
