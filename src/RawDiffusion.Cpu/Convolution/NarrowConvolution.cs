using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

/// <summary>
/// Convolutions from or to an image of few channels (the first and the last of a network), where panels of 32 channels would be nearly empty.
/// The taps stand in for the missing channels: taps × channels of the narrow side fill one panel, and what remains is a matrix product over pixels.
/// </summary>
internal sealed unsafe class NarrowConvolution(ThreadTeam workers, in KernelSet kernels, ConvGeometry geometry)
{
    private const int BiasChunk = 1024;

    private readonly KernelSet _kernels = kernels;
    private readonly int _taps = geometry.Kernel * geometry.Kernel;

    /// <summary>Whether taps fill a panel better than the <paramref name="narrow"/> channels do.</summary>
    public static bool Suits(in ConvGeometry geometry, int wide, int narrow) =>
        geometry.Kernel > 1 && geometry.Kernel * geometry.Kernel * narrow <= Blocking.Columns && wide >= Blocking.Channels;

    /// <summary>Products of each pixel of x with all taps, z[pixel][tap][o], then y = Σ over taps of z where the tap's pixel is.</summary>
    public void Forward(float* x, float* w, float* y, float* bias, float* channelAdd, float* residual)
    {
        var g = geometry;
        float* z = Products(x, g.H, g.W, g.Cin, g.Cout, (input, tap, output) => w[((nint)output * _taps + tap) * g.Cin + input]);
        workers.Run(g.N * g.OutH, (task, _) =>
        {
            int image = task / g.OutH, row = task % g.OutH;
            nint offset = (nint)task * g.OutW * g.Cout;
            for (int i = 0; i < g.OutW * g.Cout; i++)
            {
                int channel = i % g.Cout;
                y[offset + i] = (residual == null ? 0 : residual[offset + i]) + (bias == null ? 0 : bias[channel])
                    + (channelAdd == null ? 0 : channelAdd[(nint)image * g.Cout + channel]);
            }
            for (int tap = 0; tap < _taps; tap++)
            {
                AddProducts(z, image, OutputToInput(tap), row, g.H, g.W, y + offset, g.OutW, g.Cout, tap);
            }
        });
    }

    /// <summary>Products of each pixel of dy with all taps, summed where the tap's pixel of dx is.</summary>
    public void BackwardInput(float* dy, float* w, float* dx, bool accumulate)
    {
        var g = geometry;
        float* z = Products(dy, g.OutH, g.OutW, g.Cout, g.Cin, (input, tap, output) => w[((nint)input * _taps + tap) * g.Cin + output]);
        workers.Run(g.N * g.H, (task, _) =>
        {
            float* target = dx + (nint)task * g.W * g.Cin;
            if (!accumulate)
            {
                new Span<float>(target, g.W * g.Cin).Clear();
            }
            for (int tap = 0; tap < _taps; tap++)
            {
                AddProducts(z, task / g.H, InputToOutput(tap), task % g.H, g.OutH, g.OutW, target, g.W, g.Cin, tap);
            }
        });
    }

    /// <summary>The narrow side is spread over a row per pixel of the wide side, one column per tap and channel; then dw is a matrix product.</summary>
    public void BackwardWeight(float* x, float* dy, float* dw, bool accumulate, float* dbias, bool accumulateBias)
    {
        if (dw != null)
        {
            BackwardWeight(x, dy, dw, accumulate);
        }
        if (dbias != null)
        {
            BackwardBias(dy, dbias, accumulateBias);
        }
    }

    // Distance of the spread side's rows.
    private int SpreadPitch => Blocking.Count(_taps * Math.Min(geometry.Cin, geometry.Cout), Blocking.Channels) * Blocking.Channels;

    private MatrixProduct WeightProduct => geometry.Cin < geometry.Cout
        ? new MatrixProduct(geometry.Cout, _taps * geometry.Cin, geometry.N * geometry.OutH * geometry.OutW, TransposeA: true) { LeadingB = SpreadPitch }
        : new MatrixProduct(geometry.Cout * _taps, geometry.Cin, geometry.N * geometry.H * geometry.W, TransposeA: true) { LeadingA = SpreadPitch };

    private void BackwardWeight(float* x, float* dy, float* dw, bool accumulate)
    {
        var g = geometry;
        int pitch = SpreadPitch;
        var product = WeightProduct;
        float* spread = (float*)workers.SharedScratch((long)product.K * pitch * sizeof(float), 1);
        if (g.Cin < g.Cout)
        {
            Spread(x, g.H, g.W, g.Cin, spread, pitch, g.OutH, g.OutW, OutputToInput, tapPitch: g.Cin, channelPitch: 1);
            new ColumnProduct(workers, _kernels, product) { A = dy, B = spread, C = dw, Addend = accumulate ? dw : null }.Run();
        }
        else
        {
            Spread(dy, g.OutH, g.OutW, g.Cout, spread, pitch, g.H, g.W, InputToOutput, tapPitch: 1, channelPitch: _taps);
            new ColumnProduct(workers, _kernels, product) { A = spread, B = x, C = dw, Addend = accumulate ? dw : null }.Run();
        }
    }

    /// <summary>Says what <see cref="Forward"/> needs.</summary>
    public void RehearseForward(CpuScratch scratch) => RehearseProducts(scratch, geometry.H, geometry.W, geometry.Cin);

    /// <summary>Says what <see cref="BackwardInput"/> needs.</summary>
    public void RehearseBackwardInput(CpuScratch scratch) => RehearseProducts(scratch, geometry.OutH, geometry.OutW, geometry.Cout);

    /// <summary>Says what the gradients of weights and bias need.</summary>
    public void RehearseBackwardWeight(CpuScratch scratch, bool weights, bool bias)
    {
        if (weights)
        {
            var product = WeightProduct;
            scratch.Shared((long)product.K * SpreadPitch * sizeof(float), 1);
            var columns = new ColumnProduct(workers, _kernels, product) { A = null, B = null, C = null };
            scratch.Shared(columns.SharedBytes);
            scratch.EachWorker(columns.WorkerBytes);
        }
        if (bias)
        {
            scratch.Shared((long)BiasChunks * geometry.Cout * sizeof(float));
        }
    }

    private void RehearseProducts(CpuScratch scratch, int height, int width, int inputs)
    {
        scratch.Shared(ProductBytes(height, width, inputs), 1);
        scratch.EachWorker(Lattice(null, height, width, inputs, null, null).WorkerBytes());
    }

    private int BiasChunks => Blocking.Count(geometry.N * geometry.OutH * geometry.OutW, BiasChunk);

    private delegate float Weight(int input, int tap, int output);

    // z[pixel][tap·outputs + output], with a pitch of one panel.
    private float* Products(float* source, int height, int width, int inputs, int outputs, Weight weight)
    {
        nint panel = PanelFloats(inputs);
        float* weights = (float*)workers.SharedScratch(ProductBytes(height, width, inputs), 1);
        float* z = weights + panel;
        new Span<float>(weights, (int)panel).Clear();
        for (int input = 0; input < inputs; input++)
        {
            for (int tap = 0; tap < _taps; tap++)
            {
                for (int output = 0; output < outputs; output++)
                {
                    weights[input * Blocking.Columns + tap * outputs + output] = weight(input, tap, output);
                }
            }
        }
        Lattice(source, height, width, inputs, weights, z).Run();
        return z;
    }

    private static nint PanelFloats(int inputs) => (nint)Blocking.Count(inputs, Blocking.Channels) * Blocking.Channels * Blocking.Columns;

    private long ProductBytes(int height, int width, int inputs) => (PanelFloats(inputs) + (nint)geometry.N * height * width * Blocking.Columns) * sizeof(float);

    private PixelLattice Lattice(float* source, int height, int width, int inputs, float* weights, float* z) =>
        new(workers, _kernels)
        {
            Images = geometry.N,
            Height = height,
            Width = width,
            Channels = inputs,
            X = source,
            Rows = height,
            Columns = width,
            OutChannels = Blocking.Columns,
            Step = 1,
            Y = z,
            YImagePitch = (nint)height * width * Blocking.Columns,
            YRowPitch = (nint)width * Blocking.Columns,
            YColumnPitch = Blocking.Columns,
            Taps = [default],
            Weights = weights,
            WeightTaps = 1,
        };

    private static void AddProducts(float* z, int image, in TapMap map, int row, int height, int width, float* target, int columns, int channels, int tap)
    {
        if (!map.TryRow(row, height, out int sourceRow))
        {
            return;
        }
        var run = map.Columns(columns, width);
        float* from = z + (((nint)image * height + sourceRow) * width + run.Source) * Blocking.Columns + tap * channels;
        float* to = target + (nint)run.First * channels;
        for (int column = run.First; column < run.End; column += run.Step, from += (nint)run.SourceStep * Blocking.Columns, to += (nint)run.Step * channels)
        {
            for (int channel = 0; channel < channels; channel++)
            {
                to[channel] += from[channel];
            }
        }
    }

    private void Spread(
        float* source, int height, int width, int channels, float* target, int pitch, int rows, int columns, Func<int, TapMap> mapOf, int tapPitch, int channelPitch) =>
        workers.Run(geometry.N * rows, (task, _) =>
        {
            int image = task / rows;
            float* panel = target + (nint)task * columns * pitch;
            new Span<float>(panel, columns * pitch).Clear();
            for (int tap = 0; tap < _taps; tap++)
            {
                var map = mapOf(tap);
                if (!map.TryRow(task % rows, height, out int sourceRow))
                {
                    continue;
                }
                var run = map.Columns(columns, width);
                float* from = source + (((nint)image * height + sourceRow) * width + run.Source) * channels;
                float* to = panel + (nint)run.First * pitch + tap * tapPitch;
                for (int column = run.First; column < run.End; column += run.Step, from += (nint)run.SourceStep * channels, to += (nint)run.Step * pitch)
                {
                    for (int channel = 0; channel < channels; channel++)
                    {
                        to[channel * channelPitch] = from[channel];
                    }
                }
            }
        });

    private TapMap OutputToInput(int tap) => new(tap / geometry.Kernel - geometry.PadTop, tap % geometry.Kernel - geometry.PadLeft, geometry.Stride, false);

    private TapMap InputToOutput(int tap) => new(geometry.PadTop - tap / geometry.Kernel, geometry.PadLeft - tap % geometry.Kernel, geometry.Stride, true);

    private void BackwardBias(float* dy, float* dbias, bool accumulate)
    {
        int channels = geometry.Cout, pixels = geometry.N * geometry.OutH * geometry.OutW, chunks = BiasChunks;
        float* partial = (float*)workers.SharedScratch((long)chunks * channels * sizeof(float));
        workers.Run(chunks, (chunk, _) =>
        {
            int first = chunk * BiasChunk;
            SumRows(dy + (nint)first * channels, Math.Min(BiasChunk, pixels - first), channels, partial + (nint)chunk * channels);
        });
        for (int channel = 0; channel < channels; channel++)
        {
            float sum = accumulate ? dbias[channel] : 0;
            for (int chunk = 0; chunk < chunks; chunk++)
            {
                sum += partial[(nint)chunk * channels + channel];
            }
            dbias[channel] = sum;
        }
    }

    private static void SumRows(float* rows, int count, int width, float* sums)
    {
        int column = 0;
        for (; column + Vector512<float>.Count <= width; column += Vector512<float>.Count)
        {
            var sum = Vector512<float>.Zero;
            for (nint row = 0; row < count; row++)
            {
                sum += Vector512.Load(rows + row * width + column);
            }
            sum.Store(sums + column);
        }
        for (; column < width; column++)
        {
            float sum = 0;
            for (nint row = 0; row < count; row++)
            {
                sum += rows[row * width + column];
            }
            sums[column] = sum;
        }
    }

    /// <summary>Which pixel of one side of the convolution a tap joins with a pixel of the other: i·stride + offset, or (i + offset) / stride where that is whole.</summary>
    private readonly record struct TapMap(int RowOffset, int ColumnOffset, int Stride, bool Divides)
    {
        public bool TryRow(int row, int height, out int source)
        {
            int position = Divides ? row + RowOffset : row * Stride + RowOffset;
            source = Divides ? position / Stride : position;
            return position >= 0 && source < height && (!Divides || position % Stride == 0);
        }

        public ColumnRun Columns(int columns, int width)
        {
            if (!Divides)
            {
                int first = ColumnOffset < 0 ? Blocking.Count(-ColumnOffset, Stride) : 0;
                int end = ColumnOffset >= width ? first : Math.Min(columns, (width - 1 - ColumnOffset) / Stride + 1);
                return new(first, end, 1, first * Stride + ColumnOffset, Stride);
            }
            int phase = ColumnOffset < 0 ? -ColumnOffset : (Stride - ColumnOffset % Stride) % Stride;
            return new(phase, Math.Min(columns, (width - 1) * Stride - ColumnOffset + 1), Stride, (phase + ColumnOffset) / Stride, 1);
        }
    }

    /// <summary>The columns that meet a pixel, First, First + Step, … below End, and where: Source, Source + SourceStep, …</summary>
    private readonly record struct ColumnRun(int First, int End, int Step, int Source, int SourceStep);
}
