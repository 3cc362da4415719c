using RawDiffusion.Core;

namespace RawDiffusion.Diffusion;

/// <summary>
/// Fits a network to images of another number of channels: what it takes besides them (condition planes) is laid beside the noisy image, and
/// what it answers besides the prediction (such as a learned variance) is split off. Image channels, inputs and outputs are three numbers.
/// </summary>
public sealed class ConditionedNetwork
{
    private readonly NetworkForward _network;

    /// <summary>A network as images of a number of channels see it.</summary>
    /// <param name="network">Takes [N, H, W, inputs], image channels first; answers [N, H, W, outputs], prediction first.</param>
    /// <param name="imageChannels">Channels of an image.</param>
    /// <param name="inputs">Channels that the network takes.</param>
    /// <param name="outputs">Channels that it answers.</param>
    /// <exception cref="ConfigurationException">The network takes or answers fewer channels than an image has.</exception>
    public ConditionedNetwork(NetworkForward network, int imageChannels, int inputs, int outputs)
    {
        if (imageChannels < 1 || inputs < imageChannels || outputs < imageChannels)
        {
            throw new ConfigurationException(
                $"A network that takes {inputs} channels and answers {outputs} cannot work on images of {imageChannels}: it needs at least as many of both. Use images, " +
                "or a network, that fit.");
        }
        (_network, ImageChannels, Planes, ExtraOutputs) = (network, imageChannels, inputs - imageChannels, outputs - imageChannels);
    }

    /// <summary>Channels of an image, and of its prediction.</summary>
    public int ImageChannels { get; }

    /// <summary>Condition planes that the network takes besides the image.</summary>
    public int Planes { get; }

    /// <summary>Channels that it answers besides the prediction.</summary>
    public int ExtraOutputs { get; }

    /// <summary>All that the network answers.</summary>
    /// <param name="tape">Runs the ops, and owns the result.</param>
    /// <param name="input">With x [N, H, W, image channels], and planes if the network takes some.</param>
    /// <returns>[N, H, W, image channels + extra outputs].</returns>
    /// <exception cref="ArgumentException">Planes are missing, not wanted, or of another number.</exception>
    public Tensor Forward(Tape tape, in NetworkInput input)
    {
        var planes = input.Condition.Planes;
        if ((planes?.Shape.C ?? 0) != Planes)
        {
            throw new ArgumentException(
                $"ConditionedNetwork: expected {Planes} condition planes beside {input.X}; found {planes?.ToString() ?? "none"}. Give " +
                $"Condition.Planes the shape [N, H, W, {Planes}], or leave it out for 0.");
        }
        if (planes is null)
        {
            return _network(tape, input);
        }
        using var scope = tape.Scope();
        return scope.Keep(_network(tape, input with { X = tape.ConcatChannels(input.X, planes), Condition = input.Condition with { Planes = null } }));
    }

    /// <summary>The prediction alone.</summary>
    /// <param name="tape">Runs the ops, and owns the result.</param>
    /// <param name="input">As for <see cref="Forward"/>.</param>
    /// <returns>Like x.</returns>
    public Tensor Predict(Tape tape, in NetworkInput input)
    {
        using var scope = tape.Scope();
        return scope.Keep(Split(tape, Forward(tape, input)).Prediction);
    }

    /// <summary>Takes an answer of <see cref="Forward"/> apart.</summary>
    /// <returns>The prediction [N, H, W, image channels], and the extra outputs [N, H, W, …], null if there are none.</returns>
    public (Tensor Prediction, Tensor? Extra) Split(Tape tape, Tensor output) => ExtraOutputs == 0 ? (output, null) : tape.SplitChannels(output, ImageChannels);
}
