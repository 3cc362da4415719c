using RawDiffusion.Core;

namespace RawDiffusion.Cases;

/// <summary>The stream that the noise cases draw from.</summary>
internal static class NoiseStreams
{
    public static RandomStream Of(CaseTensors tensors) => new(0xFEDC_BA98_7654_3210, RandomPurpose.Noise, tensors["position"]);
}
