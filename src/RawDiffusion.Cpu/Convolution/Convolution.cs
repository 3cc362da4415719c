using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

/// <summary>
/// Direct two-dimensional convolution in float32: images and activations NHWC, weights [Cout,Kernel,Kernel,Cin]. Its results have the same bits for any number of workers.
/// Not safe for calls from two threads at a time.
/// </summary>
public sealed unsafe class Convolution : IDisposable
{
    private readonly ThreadTeam _workers;
    private readonly KernelSet _kernels;
    private readonly PackedWeights _packed;

    /// <summary>Prepares convolutions on <paramref name="workers"/>.</summary>
    /// <param name="workers">The threads that share the work; not owned.</param>
    /// <param name="instructions">The instructions to use; the processor's widest where null.</param>
    /// <exception cref="DeviceException">The processor lacks these instructions.</exception>
    public Convolution(ThreadTeam workers, InstructionSet? instructions = null)
    {
        var set = instructions ?? KernelSet.Best;
        if (!KernelSet.Supports(set))
        {
            throw new DeviceException($"The CPU kernels were asked for {set} instructions, which this processor lacks; its widest are {KernelSet.Best}.");
        }
        (_workers, _kernels, _packed) = (workers, KernelSet.For(set), new PackedWeights(workers));
    }

    /// <summary>y = conv(x, w) + bias[Cout] + channelAdd[N,Cout] + residual[N,OutH,OutW,Cout].</summary>
    /// <param name="geometry">Shapes.</param>
    /// <param name="x">[N,H,W,Cin].</param>
    /// <param name="w">[Cout,Kernel,Kernel,Cin].</param>
    /// <param name="y">[N,OutH,OutW,Cout]; must not overlap <paramref name="x"/>.</param>
    /// <param name="bias">[Cout], or null.</param>
    /// <param name="channelAdd">[N,Cout], added to all pixels of an image, or null.</param>
    /// <param name="residual">[N,OutH,OutW,Cout], or null; may be <paramref name="y"/> itself.</param>
    /// <param name="identity">By what to keep the packed weights, so that they are packed once.</param>
    public void Forward(
        in ConvGeometry geometry, float* x, float* w, float* y, float* bias = null, float* channelAdd = null, float* residual = null, WeightsIdentity identity = default)
    {
        geometry.Check(nameof(Convolution));
        var g = geometry;
        if (NarrowConvolution.Suits(g, g.Cin, g.Cout))
        {
            new NarrowConvolution(_workers, _kernels, g).Forward(x, w, y, bias, channelAdd, residual);
            return;
        }
        ForwardLattice(g, x, y, _packed.Get(g, w, backward: false, identity), bias, channelAdd, residual).Run();
    }

    private PixelLattice ForwardLattice(in ConvGeometry g, float* x, float* y, float* packed, float* bias, float* channelAdd, float* residual)
    {
        var taps = new TapPosition[g.Kernel * g.Kernel];
        for (int t = 0; t < taps.Length; t++)
        {
            taps[t] = new(t / g.Kernel - g.PadTop, t % g.Kernel - g.PadLeft, t);
        }
        return new PixelLattice(_workers, _kernels)
        {
            Images = g.N,
            Height = g.H,
            Width = g.W,
            Channels = g.Cin,
            X = x,
            Rows = g.OutH,
            Columns = g.OutW,
            OutChannels = g.Cout,
            Step = g.Stride,
            Y = y,
            YImagePitch = (nint)g.OutH * g.OutW * g.Cout,
            YRowPitch = (nint)g.OutW * g.Cout,
            YColumnPitch = g.Cout,
            Taps = taps,
            Weights = packed,
            WeightTaps = taps.Length,
            Bias = bias,
            ChannelAdd = channelAdd,
            Residual = residual,
        };
    }

    /// <summary>dx (+)= the gradient with respect to x: dx[n,h,w,c] = Σ_{r,s,o} dy[n,i,j,o]·w[o,r,s,c] over i·Stride + r − PadTop = h, j·Stride + s − PadLeft = w.</summary>
    /// <param name="geometry">Shapes.</param>
    /// <param name="dy">[N,OutH,OutW,Cout].</param>
    /// <param name="w">[Cout,Kernel,Kernel,Cin].</param>
    /// <param name="dx">[N,H,W,Cin]; must not overlap <paramref name="dy"/>.</param>
    /// <param name="accumulate">Whether to add to dx instead of overwriting it.</param>
    /// <param name="identity">By what to keep the packed weights, so that they are packed once.</param>
    public void BackwardInput(in ConvGeometry geometry, float* dy, float* w, float* dx, bool accumulate = false, WeightsIdentity identity = default)
    {
        geometry.Check(nameof(Convolution));
        if (NarrowConvolution.Suits(geometry, geometry.Cout, geometry.Cin))
        {
            new NarrowConvolution(_workers, _kernels, geometry).BackwardInput(dy, w, dx, accumulate);
            return;
        }
        float* packed = _packed.Get(geometry, w, backward: true, identity);
        for (int row = 0; row < geometry.Stride; row++)
        {
            for (int column = 0; column < geometry.Stride; column++)
            {
                BackwardLattice(geometry, dy, packed, dx, accumulate, row, column).Run();
            }
        }
    }

    // Pixels (i·Stride + row, j·Stride + column) of dx meet the same taps, at neighbouring pixels of dy.
    private PixelLattice BackwardLattice(in ConvGeometry g, float* dy, float* packed, float* dx, bool accumulate, int row, int column)
    {
        var taps = new List<TapPosition>();
        for (int r = (row + g.PadTop) % g.Stride; r < g.Kernel; r += g.Stride)
        {
            for (int s = (column + g.PadLeft) % g.Stride; s < g.Kernel; s += g.Stride)
            {
                taps.Add(new((row + g.PadTop - r) / g.Stride, (column + g.PadLeft - s) / g.Stride, r * g.Kernel + s));
            }
        }
        float* origin = dx + ((nint)row * g.W + column) * g.Cin;
        return new PixelLattice(_workers, _kernels)
        {
            Images = g.N,
            Height = g.OutH,
            Width = g.OutW,
            Channels = g.Cout,
            X = dy,
            Rows = Blocking.Count(g.H - row, g.Stride),
            Columns = Blocking.Count(g.W - column, g.Stride),
            OutChannels = g.Cin,
            Step = 1,
            Y = origin,
            YImagePitch = (nint)g.H * g.W * g.Cin,
            YRowPitch = (nint)g.Stride * g.W * g.Cin,
            YColumnPitch = (nint)g.Stride * g.Cin,
            Taps = [.. taps],
            Weights = packed,
            WeightTaps = g.Kernel * g.Kernel,
            Residual = accumulate ? origin : null,
        };
    }

    /// <summary>dw (+)= the gradient with respect to w, dw[o,r,s,c] = Σ_{n,i,j} dy[n,i,j,o]·x[n, i·Stride + r − PadTop, j·Stride + s − PadLeft, c]; dbias[o] (+)= Σ dy.</summary>
    /// <param name="geometry">Shapes.</param>
    /// <param name="x">[N,H,W,Cin].</param>
    /// <param name="dy">[N,OutH,OutW,Cout].</param>
    /// <param name="dw">[Cout,Kernel,Kernel,Cin], or null.</param>
    /// <param name="accumulate">Whether to add to dw instead of overwriting it.</param>
    /// <param name="dbias">[Cout], or null.</param>
    /// <param name="accumulateBias">Whether to add to dbias instead of overwriting it.</param>
    public void BackwardWeight(
        in ConvGeometry geometry, float* x, float* dy, float* dw, bool accumulate = false, float* dbias = null, bool accumulateBias = false)
    {
        geometry.Check(nameof(Convolution));
        if (NarrowConvolution.Suits(geometry, geometry.Cin, geometry.Cout) || NarrowConvolution.Suits(geometry, geometry.Cout, geometry.Cin))
        {
            new NarrowConvolution(_workers, _kernels, geometry).BackwardWeight(x, dy, dw, accumulate, dbias, accumulateBias);
            return;
        }
        new WeightGradient(_workers, _kernels, geometry) { X = x, Dy = dy, Dw = dw, Accumulate = accumulate, Dbias = dbias, AccumulateBias = accumulateBias }.Run();
    }

    /// <summary>Says what memory <see cref="Forward"/> needs beside its arguments.</summary>
    internal void RehearseForward(in ConvGeometry geometry, nint weights, CpuScratch scratch)
    {
        if (NarrowConvolution.Suits(geometry, geometry.Cin, geometry.Cout))
        {
            new NarrowConvolution(_workers, _kernels, geometry).RehearseForward(scratch);
            return;
        }
        scratch.Packed(geometry, weights, backward: false);
        scratch.EachWorker(ForwardLattice(geometry, null, null, null, null, null, null).WorkerBytes());
    }

    /// <summary>Says what memory <see cref="BackwardInput"/> needs beside its arguments.</summary>
    internal void RehearseBackwardInput(in ConvGeometry geometry, nint weights, CpuScratch scratch)
    {
        if (NarrowConvolution.Suits(geometry, geometry.Cout, geometry.Cin))
        {
            new NarrowConvolution(_workers, _kernels, geometry).RehearseBackwardInput(scratch);
            return;
        }
        scratch.Packed(geometry, weights, backward: true);
        for (int row = 0; row < geometry.Stride; row++)
        {
            for (int column = 0; column < geometry.Stride; column++)
            {
                scratch.EachWorker(BackwardLattice(geometry, null, null, null, false, row, column).WorkerBytes());
            }
        }
    }

    /// <summary>Says what memory <see cref="BackwardWeight"/> needs beside its arguments.</summary>
    internal void RehearseBackwardWeight(in ConvGeometry geometry, bool weights, bool bias, CpuScratch scratch)
    {
        if (NarrowConvolution.Suits(geometry, geometry.Cin, geometry.Cout) || NarrowConvolution.Suits(geometry, geometry.Cout, geometry.Cin))
        {
            new NarrowConvolution(_workers, _kernels, geometry).RehearseBackwardWeight(scratch, weights, bias);
            return;
        }
        var gradient = new WeightGradient(_workers, _kernels, geometry) { X = null, Dy = null, Dw = null, Dbias = null, Accumulate = false, AccumulateBias = false };
        scratch.Shared(gradient.SharedBytes);
        scratch.EachWorker(gradient.WorkerBytes());
    }

    /// <summary>Bytes of packed weights.</summary>
    public long PackedBytes => _packed.Bytes;

    /// <summary>Drops what was packed from memory that is freed.</summary>
    /// <param name="memory"><see cref="WeightsIdentity.Memory"/>.</param>
    public void Forget(nint memory) => _packed.Forget(memory);

    /// <summary>Frees the packed weights.</summary>
    public void Dispose() => _packed.Dispose();
}
