using RawDiffusion.Models;

namespace RawDiffusion.Training;

/// <summary>How much device memory a training run will take, before anything is allocated.</summary>
public static class MemoryEstimate
{
    // Weights, gradients, two moments, moving average.
    private const int Arenas = 5;

    // A residual block's input, both activated norms, the first convolution's output, its own output; about half are alive at the peak.
    private const double TensorsPerBlock = 6;

    // An attention block's norm, q, k, v, attended, output.
    private const double TensorsPerAttention = 7;

    /// <summary>Bytes for training in single precision; right to about a third.</summary>
    /// <param name="network">The network.</param>
    /// <param name="batch">Images per step.</param>
    public static long TrainingBytes(UNetConfig network, int batch)
    {
        long parameters = new UNet(network).Parameters.Sum(parameter => parameter.Shape.Count);
        int levels = network.BlockChannels.Count;
        double activations = 0;
        for (int level = 0; level < levels; level++)
        {
            double tensor = (double)(network.Height >> level) * (network.Width >> level) * network.BlockChannels[level];
            int down = network.LayersPerBlock, up = network.LayersPerBlock + 1, middle = level == levels - 1 ? 2 : 0;
            // On the way up a block also holds its concatenated input and the activated norm of it, each twice as wide.
            activations += tensor * (TensorsPerBlock * (down + up + middle) + 4 * up);
            int attentions = (network.DownAttention(level) ? down : 0) + (network.UpAttention(level) ? up : 0) + (middle > 0 && network.MiddleAttention ? 1 : 0);
            activations += tensor * TensorsPerAttention * attentions;
        }
        return parameters * Arenas * sizeof(float) + (long)(activations * batch * sizeof(float));
    }
}
