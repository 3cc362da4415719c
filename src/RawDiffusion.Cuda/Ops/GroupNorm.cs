using System.Numerics;
using RawDiffusion.Core;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private CudaKernel GroupNormForward => field ??= Kernel("group_norm", "group_norm_forward");

    private CudaKernel GroupNormBackwardKernel => field ??= Kernel("group_norm", "group_norm_backward");

    private CudaKernel GroupNormParameters => field ??= Kernel("group_norm", "group_norm_parameters");

    /// <inheritdoc/>
    protected override void GroupNormCore(Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor y, Tensor mean, Tensor rstd, int groups, double eps, bool silu)
    {
        var shape = new GroupNormLaunch(x.Shape, groups, vectors: IsAligned(x, y), tables: 3, slabs: 1);
        Launch(GroupNormForward, shape.Grid, shape.Threads, shape.SharedBytes,
            y, mean, rstd, x, gamma, beta, scaleShift, x.Shape.Positions, x.Shape.C, groups, shape.Run, (float)eps, silu, shape.Staged, shape.Vectors);
    }

    /// <inheritdoc/>
    protected override void GroupNormBackwardCore(
        Tensor dy, Tensor x, Tensor gamma, Tensor beta, Tensor? scaleShift, Tensor mean, Tensor rstd, Sink dx, Sink dgamma, Sink dbeta,
        Sink dScaleShift, int groups, bool silu)
    {
        int images = x.Shape.N, channels = x.Shape.C;
        bool forParameters = dgamma.IsWanted || dbeta.IsWanted;
        using var parts = forParameters ? Rent(GroupNormPartsBytes(x.Shape), "GroupNorm.parts") : default;
        var shape = new GroupNormLaunch(x.Shape, groups, vectors: IsAligned(x, dy) && (dx.Tensor is not { } target || IsAligned(target, target)), tables: 6, slabs: 2);
        Launch(GroupNormBackwardKernel, shape.Grid, shape.Threads, shape.SharedBytes,
            dx.Tensor, parts, dScaleShift.Tensor, dy, x, gamma, beta, scaleShift, mean, rstd, x.Shape.Positions, channels, groups, shape.Run, silu,
            dx.Accumulate, dScaleShift.Accumulate, shape.Staged, shape.Vectors);
        if (forParameters)
        {
            Launch(GroupNormParameters, grid: (int)CeilingDivide(2L * channels, 32), block: 256, 0,
                dgamma.Tensor, dbeta.Tensor, parts, images, channels, dgamma.Accumulate, dbeta.Accumulate);
        }
    }

    private static long GroupNormPartsBytes(Shape x) => 2L * x.N * x.C * sizeof(float);

    private static bool IsAligned(Tensor a, Tensor b) => ((a.Address | b.Address) & 15) == 0;

    /// <summary>How the blocks of kernels/group_norm.cu share a tensor: by its shape alone, so that the same sums are made on every GPU.</summary>
    private readonly struct GroupNormLaunch
    {
        private const int LeastChannels = 8, LeastElements = 4096, ElementsPerThread = 32, MostThreads = 512, MostStagedBytes = 72 * 1024;

        public GroupNormLaunch(Shape shape, int groups, bool vectors, int tables, int slabs)
        {
            int channels = shape.C, width = channels / groups;
            Vectors = vectors && channels % 4 == 0;
            // Whole 32-byte sectors, enough work for a block, and channels in whole vectors.
            int wanted = (int)CeilingDivide(Math.Max(LeastChannels, CeilingDivide(LeastElements, shape.Positions)), width);
            int unit = Vectors ? 4 >> Math.Min(2, BitOperations.TrailingZeroCount(width)) : 1;
            Run = Math.Min(groups, (int)CeilingDivide(wanted, unit) * unit);
            long run = Run * width, elements = run * shape.Positions;
            Threads = (int)Math.Clamp((long)BitOperations.RoundUpToPowerOf2((ulong)CeilingDivide(elements, ElementsPerThread)), 32, MostThreads);
            long floats = 2 * Math.Max(Threads * (Vectors ? 4 : 1), run) + tables * run;
            Staged = (floats + slabs * elements) * sizeof(float) <= MostStagedBytes;
            SharedBytes = checked((int)((floats + (Staged ? slabs * elements : 0)) * sizeof(float)));
            Grid = ((int)CeilingDivide(groups, Run), shape.N);
        }

        /// <summary>Whether channels are worked on four at a time.</summary>
        public bool Vectors { get; }

        /// <summary>Groups of a block.</summary>
        public int Run { get; }

        public int Threads { get; }

        public Dim3 Grid { get; }

        /// <summary>Whether a block keeps its part of the image in shared memory.</summary>
        public bool Staged { get; }

        public int SharedBytes { get; }
    }
}
