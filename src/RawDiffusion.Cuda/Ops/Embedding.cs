using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel EmbeddingForward => field ??= Kernel("embedding", "embedding");

    private CudaKernel EmbeddingBackwardKernel => field ??= Kernel("embedding", "embedding_backward");

    /// <inheritdoc/>
    protected override void EmbeddingCore(Tensor table, Tensor labels, Tensor y) =>
        LaunchOver(EmbeddingForward, y.Shape.Count, perThread: 1, y, table, labels, y.Shape.C, y.Shape.Count);

    /// <inheritdoc/>
    protected override void EmbeddingBackwardCore(Tensor dy, Tensor labels, Sink dtable) =>
        Launch(EmbeddingBackwardKernel, grid: dtable.Tensor!.Shape.N, block: 256, 0, dtable.Tensor, dy, labels, labels.Shape.N, dy.Shape.C, dtable.Accumulate);
}
