using System.Runtime.CompilerServices;
using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel WeightedSumKernel => field ??= Kernel("sampling", "weighted_sum");

    /// <inheritdoc/>
    protected override unsafe void WeightedSumCore(Tensor coefficients, ReadOnlySpan<Tensor> terms, Tensor? noise, in RandomStream stream, Tensor y)
    {
        Terms from = default;
        for (int k = 0; k < terms.Length; k++)
        {
            from[k] = terms[k].Address;
        }
        int width = coefficients.Shape[1];
        LaunchOverSamples(
            WeightedSumKernel, y.Shape, y, coefficients, KernelArgument.Struct(&from), noise, stream.Position, stream.Seed, (uint)stream.Purpose,
            terms.Length, width > terms.Length, coefficients.Shape.N == 1 ? 0 : width, y.Shape.N, y.Shape.Count / y.Shape.N);
    }

    /// <summary>The addresses of the terms, as the kernel takes them.</summary>
    [InlineArray(MostTerms)]
    private struct Terms
    {
        private nint _first;
    }
}
