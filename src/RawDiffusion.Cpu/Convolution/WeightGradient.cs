using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

/// <summary>
/// The gradient of a convolution's weights and bias. Pixels are cut into a number of groups that depends on the shape alone; each group is summed in order,
/// and then the groups are, so that the bits do not depend on the number of workers.
/// </summary>
/// <remarks>
/// A task sums one group of pixels for a range of output and of input channels. It copies a few rows at a time, small enough to stay in the caches, to its worker's scratch:
/// dy as [block of 16 channels][row][column][slot][16], x as [panel of 32 channels][row][column mod stride][column / stride][slot][32], a slot being an image.
/// Taps that fall on the padding are left out, so no apron is needed.
/// </remarks>
internal sealed unsafe class WeightGradient
{
    private const int UnitPixels = 256;
    private const int WidestRange = 128;
    private const int TasksPerWorker = 4;
    private const long GroupBudget = 1280 << 10;
    private const int MaximalGroups = 16;

    public required float* X, Dy;

    /// <summary>Either may be null, which computes the other alone, with the same bits.</summary>
    public required float* Dw, Dbias;

    public required bool Accumulate, AccumulateBias;

    private readonly ThreadTeam _workers;
    private readonly KernelSet _kernels;
    private readonly ConvGeometry _geometry;
    private readonly int _taps, _outBlocks, _inPanels;
    private readonly int _slots, _unitRows, _bands, _units, _groups;
    private readonly int _outRange, _inRange, _outRanges, _inRanges;
    private readonly long _groupFloats;
    private float* _partial, _partialBias;

    public WeightGradient(ThreadTeam workers, in KernelSet kernels, in ConvGeometry geometry)
    {
        (_workers, _kernels, _geometry) = (workers, kernels, geometry);
        _taps = geometry.Kernel * geometry.Kernel;
        _outBlocks = Blocking.Count(geometry.Cout, Blocking.Channels);
        _inPanels = Blocking.Count(geometry.Cin, Blocking.Columns);
        _groupFloats = (long)_inPanels * _taps * _outBlocks * Blocking.Channels * Blocking.Columns;

        _slots = Math.Clamp(UnitPixels / (geometry.OutH * geometry.OutW), 1, geometry.N);
        _bands = Math.Min(Blocking.Count(geometry.OutH * geometry.OutW, UnitPixels), geometry.OutH);
        _unitRows = Blocking.Count(geometry.OutH, _bands);
        _bands = Blocking.Count(geometry.OutH, _unitRows);
        _units = Blocking.Count(geometry.N, _slots) * _bands;
        _groups = (int)Math.Clamp(GroupBudget / (_groupFloats * sizeof(float)), 1, Math.Min(MaximalGroups, _units));

        _outRange = Math.Min(_outBlocks, WidestRange / Blocking.Channels);
        _inRange = Math.Min(_inPanels, WidestRange / Blocking.Columns);
        int wanted = workers.Count == 1 ? 1 : TasksPerWorker * workers.Count;
        while (_groups * Blocking.Count(_outBlocks, _outRange) * Blocking.Count(_inPanels, _inRange) < wanted && (_outRange > 1 || _inRange > 1))
        {
            if (_inRange > 1 && _inRange * Blocking.Columns >= _outRange * Blocking.Channels)
            {
                _inRange = (_inRange + 1) / 2;
            }
            else
            {
                _outRange = (_outRange + 1) / 2;
            }
        }
        _outRanges = Blocking.Count(_outBlocks, _outRange);
        _inRanges = Blocking.Count(_inPanels, _inRange);
    }

    /// <summary>With one group and no ragged channels, sums are kept where they belong.</summary>
    private bool InPlace => _groups == 1 && _geometry.Cout % Blocking.Channels == 0 && _geometry.Cin % Blocking.Columns == 0;

    private int PaddedOut => _outBlocks * Blocking.Channels;

    /// <summary>Scratch that the workers share.</summary>
    public long SharedBytes => (_groups * (long)PaddedOut + (InPlace ? 0 : _groups * _groupFloats)) * sizeof(float);

    /// <summary>The most scratch that a worker needs, which is where rows have others above and below.</summary>
    public long WorkerBytes()
    {
        long most = 0;
        for (int band = 0; band < _bands; band++)
        {
            most = Math.Max(most, new Unit(this, 0, _slots, band * _unitRows, Math.Min((band + 1) * _unitRows, _geometry.OutH)).ScratchBytes(_outRange, _inRange));
        }
        return most;
    }

    public void Run()
    {
        _partialBias = (float*)_workers.SharedScratch(SharedBytes);
        _partial = _partialBias + (long)_groups * PaddedOut;
        _workers.Run(_groups * _outRanges * _inRanges, RunTask);
        if (!InPlace && Dw != null)
        {
            _workers.Run(_geometry.Cout, AddGroups);
        }
        if (Dbias != null)
        {
            AddBiasGroups();
        }
    }

    private void RunTask(int task, int worker)
    {
        int ranges = _outRanges * _inRanges, group = task / ranges, range = task % ranges;
        int firstBlock = range / _inRanges * _outRange, endBlock = Math.Min(firstBlock + _outRange, _outBlocks);
        int firstPanel = range % _inRanges * _inRange, endPanel = Math.Min(firstPanel + _inRange, _inPanels);
        if (Dw == null && firstPanel > 0)
        {
            return;
        }
        ClearSums(group, firstBlock, endBlock, firstPanel, endPanel);
        for (int unit = group * _units / _groups; unit < (group + 1) * _units / _groups; unit++)
        {
            int image = unit / _bands * _slots, row = unit % _bands * _unitRows;
            var pixels = new Unit(this, image, Math.Min(_slots, _geometry.N - image), row, Math.Min(row + _unitRows, _geometry.OutH));
            pixels.Copy(worker, firstBlock, endBlock, firstPanel, endPanel);
            if (firstPanel == 0 && Dbias != null)
            {
                pixels.AddBias(_partialBias + (long)group * PaddedOut, firstBlock, endBlock);
            }
            for (int panel = firstPanel; Dw != null && panel < endPanel; panel++)
            {
                for (int block = firstBlock; block < endBlock; block++)
                {
                    pixels.AddProducts(group, block, block - firstBlock, panel, panel - firstPanel);
                }
            }
        }
    }

    private float* SumsOf(int group, int block, int panel, int tap) => InPlace
        ? Dw + ((nint)block * Blocking.Channels * _taps + tap) * _geometry.Cin + panel * Blocking.Columns
        : _partial + group * _groupFloats + (((nint)panel * _taps + tap) * PaddedOut + block * Blocking.Channels) * Blocking.Columns;

    private nint SumsPitch => InPlace ? (nint)_taps * _geometry.Cin : Blocking.Columns;

    private void ClearSums(int group, int firstBlock, int endBlock, int firstPanel, int endPanel)
    {
        if (firstPanel == 0)
        {
            new Span<float>(_partialBias + (long)group * PaddedOut + firstBlock * Blocking.Channels, (endBlock - firstBlock) * Blocking.Channels).Clear();
        }
        if (Dw == null || (InPlace && Accumulate))
        {
            return;
        }
        for (int panel = firstPanel; panel < endPanel; panel++)
        {
            for (int tap = 0; tap < _taps; tap++)
            {
                for (int row = 0; row < (endBlock - firstBlock) * Blocking.Channels; row++)
                {
                    new Span<float>(SumsOf(group, firstBlock, panel, tap) + row * SumsPitch, Blocking.Columns).Clear();
                }
            }
        }
    }

    private void AddGroups(int channel, int worker)
    {
        var g = _geometry;
        float* dw = Dw + (nint)channel * _taps * g.Cin;
        for (int tap = 0; tap < _taps; tap++)
        {
            for (int panel = 0; panel < _inPanels; panel++)
            {
                float* sums = SumsOf(0, 0, panel, tap) + channel * Blocking.Columns;
                float* target = dw + (nint)tap * g.Cin + panel * Blocking.Columns;
                int columns = Math.Min(Blocking.Columns, g.Cin - panel * Blocking.Columns);
                if (columns == Blocking.Columns)
                {
                    for (int column = 0; column < columns; column += Vector512<float>.Count)
                    {
                        var sum = Accumulate ? Vector512.Load(target + column) : Vector512<float>.Zero;
                        for (int group = 0; group < _groups; group++)
                        {
                            sum += Vector512.Load(sums + group * _groupFloats + column);
                        }
                        sum.Store(target + column);
                    }
                    continue;
                }
                for (int column = 0; column < columns; column++)
                {
                    float sum = Accumulate ? target[column] : 0;
                    for (int group = 0; group < _groups; group++)
                    {
                        sum += sums[group * _groupFloats + column];
                    }
                    target[column] = sum;
                }
            }
        }
    }

    private void AddBiasGroups()
    {
        for (int channel = 0; channel < _geometry.Cout; channel++)
        {
            float sum = AccumulateBias ? Dbias[channel] : 0;
            for (int group = 0; group < _groups; group++)
            {
                sum += _partialBias[(long)group * PaddedOut + channel];
            }
            Dbias[channel] = sum;
        }
    }

    /// <summary>The pixels that are brought close at a time: rows [firstRow, endRow) of dy of some images, and the rows of x under them.</summary>
    private ref struct Unit
    {
        private readonly WeightGradient _gradient;
        private readonly ConvGeometry _geometry;
        private readonly int _image, _slots, _firstRow, _endRow, _firstInputRow, _inputRows, _planeColumns;
        private readonly nint _dyRowPitch, _dyBlockPitch, _xPlanePitch, _xRowPitch, _xPanelPitch;
        private float* _x, _dy;

        public Unit(WeightGradient gradient, int image, int slots, int firstRow, int endRow)
        {
            var g = gradient._geometry;
            (_gradient, _geometry, _image, _slots, _firstRow, _endRow) = (gradient, g, image, slots, firstRow, endRow);
            _firstInputRow = Math.Max(0, firstRow * g.Stride - g.PadTop);
            _inputRows = Math.Max(0, Math.Min(g.H, (endRow - 1) * g.Stride - g.PadTop + g.Kernel) - _firstInputRow);
            _planeColumns = Blocking.Count(g.W, g.Stride);
            _dyRowPitch = g.OutW * slots * Blocking.Channels;
            _dyBlockPitch = (endRow - firstRow) * _dyRowPitch;
            _xPlanePitch = _planeColumns * slots * Blocking.Columns;
            _xRowPitch = g.Stride * _xPlanePitch;
            _xPanelPitch = _inputRows * _xRowPitch;
        }

        public readonly long ScratchBytes(int blocks, int panels) => (panels * _xPanelPitch + blocks * _dyBlockPitch) * sizeof(float);

        public void Copy(int worker, int firstBlock, int endBlock, int firstPanel, int endPanel)
        {
            var g = _geometry;
            _x = (float*)_gradient._workers.Scratch(worker, ScratchBytes(endBlock - firstBlock, endPanel - firstPanel));
            _dy = _x + (endPanel - firstPanel) * _xPanelPitch;
            int firstOut = firstBlock * Blocking.Channels, firstIn = firstPanel * Blocking.Columns;
            int outputs = Math.Min(endBlock * Blocking.Channels, g.Cout) - firstOut, inputs = Math.Min(endPanel * Blocking.Columns, g.Cin) - firstIn;
            for (int slot = 0; slot < _slots; slot++)
            {
                float* x = _gradient.X + (((nint)_image + slot) * g.H + _firstInputRow) * g.W * g.Cin + firstIn;
                for (int row = 0; _gradient.Dw != null && row < _inputRows; row++, x += (nint)g.W * g.Cin)
                {
                    for (int plane = 0; plane < Math.Min(g.Stride, g.W); plane++)
                    {
                        Packing.CopyBlocks(
                            x + (nint)plane * g.Cin, (nint)g.Stride * g.Cin,
                            _x + row * _xRowPitch + plane * _xPlanePitch + slot * Blocking.Columns, _slots * Blocking.Columns, _xPanelPitch,
                            Blocking.Count(g.W - plane, g.Stride), inputs, Blocking.Columns);
                    }
                }
                float* dy = _gradient.Dy + (((nint)_image + slot) * g.OutH + _firstRow) * g.OutW * g.Cout + firstOut;
                for (int row = 0; row < _endRow - _firstRow; row++, dy += (nint)g.OutW * g.Cout)
                {
                    Packing.CopyBlocks(
                        dy, g.Cout, _dy + row * _dyRowPitch + slot * Blocking.Channels, _slots * Blocking.Channels, _dyBlockPitch, g.OutW, outputs);
                }
            }
        }

        public readonly void AddBias(float* sums, int firstBlock, int endBlock)
        {
            for (int block = firstBlock; block < endBlock; block++)
            {
                float* dy = _dy + (block - firstBlock) * _dyBlockPitch, end = dy + _dyBlockPitch;
                var sum = Vector512.Load(sums + block * Blocking.Channels);
                for (; dy != end; dy += Blocking.Channels)
                {
                    sum += Vector512.Load(dy);
                }
                sum.Store(sums + block * Blocking.Channels);
            }
        }

        public readonly void AddProducts(int group, int block, int localBlock, int panel, int localPanel)
        {
            var g = _geometry;
            ref readonly var kernels = ref _gradient._kernels;
            int columns = Math.Min(Blocking.Columns, g.Cin - panel * Blocking.Columns), channels = Math.Min(Blocking.Channels, g.Cout - block * Blocking.Channels);
            for (int tap = 0; tap < _gradient._taps; tap++)
            {
                int r = tap / g.Kernel - g.PadTop, s = tap % g.Kernel - g.PadLeft;
                var (firstRow, endRow) = Under(r, g.H, g.Stride, _firstRow, _endRow);
                var (firstColumn, endColumn) = Under(s, g.W, g.Stride, 0, g.OutW);
                if (firstRow >= endRow || firstColumn >= endColumn)
                {
                    continue;
                }
                int inputColumn = firstColumn * g.Stride + s;
                float* x = _x + localPanel * _xPanelPitch + (firstRow * g.Stride + r - _firstInputRow) * _xRowPitch
                    + inputColumn % g.Stride * _xPlanePitch + inputColumn / g.Stride * _slots * Blocking.Columns;
                float* dy = _dy + localBlock * _dyBlockPitch + (firstRow - _firstRow) * _dyRowPitch + firstColumn * _slots * Blocking.Channels;
                float* sums = _gradient.SumsOf(group, block, panel, tap);
                var call = new WeightTile
                {
                    ARowPitch = _dyRowPitch,
                    BRowPitch = g.Stride * _xRowPitch,
                    Rows = endRow - firstRow,
                    Pixels = (endColumn - firstColumn) * _slots,
                    SumsPitch = _gradient.SumsPitch,
                };
                for (int row = 0; row < channels; row += kernels.WeightRows)
                {
                    for (int column = 0; column < columns; column += kernels.Columns)
                    {
                        call.A = dy + row;
                        call.B = x + column;
                        call.Sums = sums + row * call.SumsPitch + column;
                        kernels.Weights(&call);
                    }
                }
            }
        }

        // The outputs within [first, end) that a tap at this offset joins with a pixel of x.
        private static (int First, int End) Under(int offset, int size, int stride, int first, int end)
        {
            if (offset < 0)
            {
                first = Math.Max(first, Blocking.Count(-offset, stride));
            }
            return (first, size <= offset ? first : Math.Min(end, (size - 1 - offset) / stride + 1));
        }
    }
}
