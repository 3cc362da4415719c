using System.Runtime.CompilerServices;

namespace RawDiffusion.Cpu;

/// <summary>A tap of a convolution: the output at (i, j) takes w[<see cref="Index"/>] times x at (i·step + <see cref="Row"/>, j·step + <see cref="Column"/>).</summary>
internal readonly record struct TapPosition(int Row, int Column, int Index);

/// <summary>
/// Sums over taps and channels for a lattice of output pixels: a whole forward convolution, or one parity class of the gradient of a strided one.
/// Every output is summed by itself in one fixed order (start, blocks of channels, taps, channels), so that the bits do not depend on how the lattice is split.
/// </summary>
/// <remarks>
/// A task copies the rows it needs, with an apron of zeros, to its worker's scratch as [block of 16 channels][row][column mod step][column / step][slot][16],
/// and walks with a tile of registers over it, one panel of 32 output channels after another. A slot is an image: interleaving as many images as
/// a tile has pixels lets small planes skip exactly the taps that fall on the apron.
/// </remarks>
internal sealed unsafe class PixelLattice
{
    // The copy of x shares the second-level cache with one panel of weights.
    private const long ScratchBudget = 320 << 10;
    private const int TasksPerWorker = 4;
    private const int MaximalTaps = 64;

    public required int Images, Height, Width, Channels;
    public required float* X;
    public required int Rows, Columns, OutChannels, Step;
    public required float* Y;
    public required nint YImagePitch, YRowPitch, YColumnPitch;
    public required TapPosition[] Taps;
    public required float* Weights;
    public required int WeightTaps;
    public float* Bias, ChannelAdd, Residual;

    private readonly Workers _workers;
    private readonly KernelSet _kernels;
    private int _slots, _bands, _bandRows, _panels, _panelGroups;
    private int _firstTapRow, _tapRows, _firstTapColumn, _planeColumns;
    private bool _weightsOutweighPixels;
    private ulong[] _rowTaps = [], _columnTaps = [];

    public PixelLattice(Workers workers, in KernelSet kernels) => (_workers, _kernels) = (workers, kernels);

    private int Blocks => Blocking.Count(Channels, Blocking.Channels);

    public void Run()
    {
        if (Rows <= 0 || Columns <= 0)
            return;
        Plan();
        _workers.Run(Blocking.Count(Images, _slots) * _bands * _panelGroups, RunTask);
    }

    private void Plan()
    {
        int lastTapRow = 0, lastTapColumn = 0;
        for (int t = 0; t < Taps.Length; t++)
        {
            var tap = Taps[t];
            (_firstTapRow, lastTapRow) = t == 0 ? (tap.Row, tap.Row) : (Math.Min(_firstTapRow, tap.Row), Math.Max(lastTapRow, tap.Row));
            (_firstTapColumn, lastTapColumn) = t == 0 ? (tap.Column, tap.Column) : (Math.Min(_firstTapColumn, tap.Column), Math.Max(lastTapColumn, tap.Column));
        }
        _tapRows = lastTapRow - _firstTapRow + 1;
        _planeColumns = Blocking.Count((Columns - 1) * Step + lastTapColumn - _firstTapColumn + 1, Step);
        _panels = Blocking.Count(OutChannels, Blocking.Columns);
        _slots = Slots();

        long rowBytes = (long)Step * _planeColumns * _slots * Blocks * Blocking.Channels * sizeof(float);
        _bandRows = (int)Math.Clamp((ScratchBudget / rowBytes - _tapRows) / Step + 1, 1, Rows);
        _bands = Blocking.Count(Rows, _bandRows);
        _panelGroups = 1;
        _weightsOutweighPixels = (long)Taps.Length * OutChannels > (long)Images * Height * Width;
        int wanted = _workers.Count == 1 ? 1 : _workers.Count * TasksPerWorker;
        int groups = Blocking.Count(Images, _slots);
        while (groups * _bands * _panelGroups < wanted)
        {
            if ((_weightsOutweighPixels || _bands * 2 > Rows) && _panelGroups * 2 <= _panels)
                _panelGroups *= 2;
            else if (_bands * 2 <= Rows)
                _bands *= 2;
            else
                break;
        }
        _bandRows = Blocking.Count(Rows, _bands);
        _bands = Blocking.Count(Rows, _bandRows);
        _rowTaps = TapsThatMeet(Rows, Height, static tap => tap.Row);
        _columnTaps = TapsThatMeet(Columns, Width, static tap => tap.Column);
    }

    // Bit t of element i says that tap t of output i falls on x.
    private ulong[] TapsThatMeet(int count, int size, Func<TapPosition, int> offset)
    {
        ulong[] masks = new ulong[count];
        if (Taps.Length > MaximalTaps)
        {
            Array.Fill(masks, ulong.MaxValue);
            return masks;
        }
        for (int t = 0; t < Taps.Length; t++)
        {
            int shift = offset(Taps[t]);
            for (int i = 0; i < count; i++)
            {
                if ((uint)(i * Step + shift) < (uint)size)
                    masks[i] |= 1ul << t;
            }
        }
        return masks;
    }

    private int Slots()
    {
        if (Taps.Length == 1 || Height * Width > 64)
            return 1;
        int wide = 2 * _kernels.WideGroup, narrow = 2 * _kernels.NarrowGroup;
        return Images >= wide + narrow ? wide : Images >= narrow ? narrow : Images >= _kernels.NarrowGroup ? _kernels.NarrowGroup : 1;
    }

    private void RunTask(int task, int worker)
    {
        var (panelGroup, band, group) = Decode(task);
        int firstImage = group * _slots, firstRow = band * _bandRows;
        var region = new Region(this, firstImage, Math.Min(_slots, Images - firstImage), firstRow, Math.Min(_bandRows, Rows - firstRow));
        region.Rent(worker);
        region.CopyPixels();
        region.FindTiles();
        int firstPanel = panelGroup * _panels / _panelGroups, endPanel = (panelGroup + 1) * _panels / _panelGroups;
        var prefetch = PrefetchFor(task + _workers.Count, region.TileCount * (endPanel - firstPanel));
        for (int panel = firstPanel; panel < endPanel; panel++)
            region.RunPanel(panel, ref prefetch);
    }

    private (int PanelGroup, int Band, int Group) Decode(int task)
    {
        int groups = Blocking.Count(Images, _slots);
        return _weightsOutweighPixels
            ? (task / (_bands * groups), task % _bands, task / _bands % groups)
            : (task % _panelGroups, task / _panelGroups % _bands, task / (_panelGroups * _bands));
    }

    // The rows of x that this worker will probably need next.
    private Prefetch PrefetchFor(int task, int shares)
    {
        var (_, band, group) = Decode(task);
        if (_panelGroups > 1 || group * _slots >= Images || (_slots > 1 && _bands > 1))
            return default;
        int images = Math.Min(_slots, Images - group * _slots);
        int firstRow = Math.Clamp(band * _bandRows * Step + _firstTapRow, 0, Height), endRow = Math.Clamp((band + 1) * _bandRows * Step + _firstTapRow + _tapRows - 1, 0, Height);
        nint row = (nint)Width * Channels;
        return new Prefetch(X + ((nint)group * _slots * Height + firstRow) * row, ((images - 1L) * Height + endRow - firstRow) * row, shares);
    }

    /// <summary>Neighbouring pixels of one row of the lattice: where they are, how many of them count, and which taps fall on x for any of them.</summary>
    private struct Group
    {
        public nint X, Y;
        public int Start, Count;
        public ulong Taps;
    }

    /// <summary>The two groups that one kernel call computes.</summary>
    private struct Tile
    {
        public Group A, B;
        public bool IsNarrow;
    }

    /// <summary>The part of the lattice that one task computes: some rows of one image, or of as many images as there are slots.</summary>
    private ref struct Region(PixelLattice lattice, int firstImage, int images, int firstRow, int rows)
    {
        private const int TileFloats = 16 * Blocking.Columns;
        private readonly int _slots = images == lattice._slots ? images : Blocking.Count(images, lattice._kernels.NarrowGroup) * lattice._kernels.NarrowGroup;
        private nint _planePitch, _rowPitch, _blockPitch;
        private int _inputRows, _tileCount, _groupSize;
        private float* _pixels, _start, _partial;
        private Tile* _tiles;

        public readonly int TileCount => _tileCount;
        private readonly int ColumnPitch => _slots * Blocking.Channels;
        private readonly int RunLength => lattice.Columns * _slots;

        public void Rent(int worker)
        {
            _inputRows = (rows - 1) * lattice.Step + lattice._tapRows;
            _planePitch = lattice._planeColumns * ColumnPitch;
            _rowPitch = lattice.Step * _planePitch;
            _blockPitch = _inputRows * _rowPitch;
            var kernels = lattice._kernels;
            bool wide = _slots == 1
                ? Blocking.Count(RunLength, kernels.WideGroup) * kernels.WideGroup <= Blocking.Count(RunLength, kernels.NarrowGroup) * kernels.NarrowGroup
                : _slots % kernels.WideGroup == 0;
            _groupSize = wide ? kernels.WideGroup : kernels.NarrowGroup;
            int maximalTiles = Blocking.Count(rows * Blocking.Count(RunLength, _groupSize), 2);

            // A tile that overhangs the end of the last row reads on: its results are dropped, but the memory must be there.
            long pixelFloats = lattice.Blocks * (long)_blockPitch + TileFloats;
            long startFloats = (long)_slots * Blocking.Columns;
            byte* memory = (byte*)lattice._workers.Scratch(
                worker, (pixelFloats + startFloats + TileFloats) * sizeof(float) + maximalTiles * (long)sizeof(Tile));
            _pixels = (float*)memory;
            _start = _pixels + pixelFloats;
            _partial = _start + startFloats;
            _tiles = (Tile*)(_partial + TileFloats);
        }

        public readonly void CopyPixels()
        {
            int firstInputRow = firstRow * lattice.Step + lattice._firstTapRow;
            for (int row = 0; row < _inputRows; row++)
            {
                for (int block = 0; block < lattice.Blocks; block++)
                {
                    float* target = _pixels + block * _blockPitch + row * _rowPitch;
                    int inputRow = firstInputRow + row;
                    if (inputRow < 0 || inputRow >= lattice.Height)
                        Clear(target, _rowPitch);
                    else
                        CopyRow(target, block, inputRow);
                }
            }
        }

        private readonly void CopyRow(float* target, int block, int inputRow)
        {
            int step = lattice.Step, channels = Math.Min(Blocking.Channels, lattice.Channels - block * Blocking.Channels);
            nint pixelPitch = lattice.Channels, imagePitch = (nint)lattice.Height * lattice.Width * pixelPitch;
            float* source = lattice.X + firstImage * imagePitch + (nint)inputRow * lattice.Width * pixelPitch + block * Blocking.Channels;
            for (int plane = 0; plane < step; plane++, target += _planePitch)
            {
                // Column j of the plane holds column j·step + offset of x.
                int offset = lattice._firstTapColumn + plane;
                int begin = offset >= 0 ? 0 : Math.Min(Blocking.Count(-offset, step), lattice._planeColumns);
                int end = offset >= lattice.Width ? begin : Math.Clamp((lattice.Width - 1 - offset) / step + 1, begin, lattice._planeColumns);
                Clear(target, begin * ColumnPitch);
                Clear(target + end * ColumnPitch, (lattice._planeColumns - end) * ColumnPitch);
                for (int slot = 0; slot < images; slot++)
                {
                    Packing.Copy(
                        source + slot * imagePitch + (begin * step + offset) * pixelPitch, step * pixelPitch,
                        target + begin * ColumnPitch + slot * Blocking.Channels, ColumnPitch, end - begin, channels);
                }
            }
        }

        private static void Clear(float* target, nint count) => Unsafe.InitBlockUnaligned(target, 0, (uint)(count * sizeof(float)));

        public void FindTiles()
        {
            int narrow = lattice._kernels.NarrowGroup;
            _tileCount = 0;
            var open = default(Group);
            bool isOpen = false;
            for (int row = 0; row < rows; row++)
                for (int pixel = 0; pixel < RunLength; pixel += _groupSize)
                {
                    var group = GroupAt(row, pixel, _groupSize);
                    if (isOpen)
                        _tiles[_tileCount++] = new Tile { A = open, B = group, IsNarrow = _groupSize == narrow };
                    open = group;
                    isOpen = !isOpen;
                }
            if (!isOpen)
                return;

            // The group that is left over makes up a narrow tile of its own, or is computed twice.
            int last = RunLength - (RunLength - 1) % _groupSize - 1;
            _tiles[_tileCount++] = _groupSize == narrow
                ? new Tile { A = open, B = open with { Count = 0 }, IsNarrow = true }
                : new Tile { A = GroupAt(rows - 1, last, narrow), B = GroupAt(rows - 1, last + narrow, narrow), IsNarrow = true };
        }

        private readonly Group GroupAt(int row, int pixel, int size)
        {
            int column = pixel, slot = 0, count = Math.Min(size, RunLength - pixel);
            if (_slots > 1)
            {
                (column, slot) = (pixel / _slots, pixel % _slots);
                count = Math.Min(size, images - slot);
            }
            ulong taps = 0;
            int lastColumn = _slots > 1 ? column : column + count - 1;
            for (int i = column; i <= lastColumn && count > 0; i++)
                taps |= lattice._columnTaps[i];
            return new()
            {
                X = row * lattice.Step * _rowPitch + pixel * Blocking.Channels,
                Y = (firstRow + row) * lattice.YRowPitch + column * lattice.YColumnPitch + (firstImage + slot) * lattice.YImagePitch,
                Start = slot * Blocking.Columns,
                Count = Math.Max(0, count),
                Taps = taps & lattice._rowTaps[firstRow + row],
            };
        }

        public readonly void RunPanel(int panel, ref Prefetch prefetch)
        {
            int firstChannel = panel * Blocking.Columns, channels = Math.Min(Blocking.Columns, lattice.OutChannels - firstChannel);
            FillStart(firstChannel, channels);
            Tap* taps = stackalloc Tap[lattice.Taps.Length];
            nint weightBlock = (nint)lattice.WeightTaps * Blocking.Channels * Blocking.Columns;
            for (int column = 0; column < channels; column += lattice._kernels.Columns)
            {
                int count = 0;
                var call = new PixelTile
                {
                    XBlockPitch = _blockPitch,
                    Blocks = lattice.Blocks,
                    LastChannels = lattice.Channels - (lattice.Blocks - 1) * Blocking.Channels,
                    Taps = taps,
                    W = lattice.Weights + panel * lattice.Blocks * weightBlock + column,
                    WBlockPitch = weightBlock,
                    StartPitch = _slots == 1 ? 0 : Blocking.Columns,
                    Residual = (nint)(lattice.Residual - lattice.Y),
                };
                ulong listed = 0;
                for (Tile* tile = _tiles; tile != _tiles + _tileCount; tile++)
                {
                    ulong wanted = tile->A.Taps | tile->B.Taps;
                    if (wanted != listed)
                    {
                        count = ListTaps(taps, wanted);
                        listed = wanted;
                    }
                    call.TapCount = count;
                    call.XA = _pixels + tile->A.X;
                    call.XB = _pixels + tile->B.X;
                    call.StartA = _start + tile->A.Start + column;
                    call.StartB = _start + tile->B.Start + column;
                    if (column == 0)
                        prefetch.Next();
                    Compute(&call, tile, firstChannel + column, Math.Min(lattice._kernels.Columns, channels - column));
                }
            }
        }

        private readonly void Compute(PixelTile* call, Tile* tile, int channel, int channels)
        {
            int size = tile->IsNarrow ? lattice._kernels.NarrowGroup : lattice._kernels.WideGroup;
            float* y = lattice.Y + channel;
            bool whole = tile->A.Count == size && tile->B.Count == size && channels == lattice._kernels.Columns;
            if (whole)
            {
                call->YA = y + tile->A.Y;
                call->YB = y + tile->B.Y;
                call->YPitch = _slots == 1 ? lattice.YColumnPitch : lattice.YImagePitch;
                call->HasResidual = lattice.Residual != null;
            }
            else
            {
                call->YA = _partial;
                call->YB = _partial + size * Blocking.Columns;
                call->YPitch = Blocking.Columns;
                call->HasResidual = false;
            }
            if (tile->IsNarrow)
                lattice._kernels.NarrowPixels(call);
            else
                lattice._kernels.WidePixels(call);
            if (!whole)
            {
                StorePartial(call->YA, y + tile->A.Y, tile->A.Count, channels, call->Residual);
                StorePartial(call->YB, y + tile->B.Y, tile->B.Count, channels, call->Residual);
            }
        }

        private readonly void StorePartial(float* source, float* y, int pixels, int channels, nint residual)
        {
            nint pitch = _slots == 1 ? lattice.YColumnPitch : lattice.YImagePitch;
            for (int pixel = 0; pixel < pixels; pixel++, source += Blocking.Columns, y += pitch)
                for (int channel = 0; channel < channels; channel++)
                    y[channel] = lattice.Residual == null ? source[channel] : source[channel] + y[channel + residual];
        }

        private readonly int ListTaps(Tap* taps, ulong wanted)
        {
            int count = 0;
            for (int t = 0; t < lattice.Taps.Length; t++)
            {
                if (t < MaximalTaps && (wanted >> t & 1) == 0)
                    continue;
                var tap = lattice.Taps[t];
                int column = tap.Column - lattice._firstTapColumn;
                taps[count++] = new Tap
                {
                    X = (tap.Row - lattice._firstTapRow) * _rowPitch + column % lattice.Step * _planePitch + column / lattice.Step * ColumnPitch,
                    W = (nint)tap.Index * Blocking.Channels * Blocking.Columns,
                };
            }
            return count;
        }

        private readonly void FillStart(int firstChannel, int channels)
        {
            for (int slot = 0; slot < _slots; slot++)
            {
                float* start = _start + slot * Blocking.Columns;
                Clear(start, Blocking.Columns);
                float* channelAdd = lattice.ChannelAdd == null || slot >= images ? null : lattice.ChannelAdd + (firstImage + slot) * (nint)lattice.OutChannels;
                for (int channel = 0; channel < channels; channel++)
                {
                    if (lattice.Bias != null)
                        start[channel] = lattice.Bias[firstChannel + channel];
                    if (channelAdd != null)
                        start[channel] += channelAdd[firstChannel + channel];
                }
            }
        }
    }
}
