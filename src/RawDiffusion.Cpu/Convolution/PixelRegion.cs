using System.Runtime.CompilerServices;

namespace RawDiffusion.Cpu;

/// <summary>The part of the lattice that one task computes: some rows of one image, or of as many images as there are slots.</summary>
internal unsafe ref struct PixelRegion(PixelLattice lattice, int firstImage, int images, int firstRow, int rows)
{
    private const int TileFloats = 16 * Blocking.Columns;
    private readonly int _slots = images == lattice.Slots ? images : Blocking.Count(images, lattice.Kernels.NarrowGroup) * lattice.Kernels.NarrowGroup;
    private nint _planePitch, _rowPitch, _blockPitch;
    private int _inputRows, _tileCount, _groupSize;
    private float* _pixels, _start, _partial;
    private Tile* _tiles;

    private readonly int ColumnPitch => _slots * Blocking.Channels;
    private readonly int RunLength => lattice.Columns * _slots;

    // A tile that overhangs the end of the last row reads on: its results are dropped, but the memory must be there.
    private readonly long PixelFloats => lattice.Blocks * (long)_blockPitch + TileFloats;

    private readonly long StartFloats => (long)_slots * Blocking.Columns;

    /// <summary>Lays the scratch out, and returns how many bytes it takes.</summary>
    public long Plan()
    {
        _inputRows = (rows - 1) * lattice.Step + lattice.TapRows;
        _planePitch = lattice.PlaneColumns * ColumnPitch;
        _rowPitch = lattice.Step * _planePitch;
        _blockPitch = _inputRows * _rowPitch;
        ref readonly var kernels = ref lattice.Kernels;
        bool wide = _slots == 1
            ? Blocking.Count(RunLength, kernels.WideGroup) * kernels.WideGroup <= Blocking.Count(RunLength, kernels.NarrowGroup) * kernels.NarrowGroup
            : _slots % kernels.WideGroup == 0;
        _groupSize = wide ? kernels.WideGroup : kernels.NarrowGroup;
        int maximalTiles = Blocking.Count(rows * Blocking.Count(RunLength, _groupSize), 2);
        return (PixelFloats + StartFloats + TileFloats) * sizeof(float) + maximalTiles * (long)sizeof(Tile);
    }

    public void Rent(int worker)
    {
        _pixels = (float*)lattice.Team.Scratch(worker, Plan());
        _start = _pixels + PixelFloats;
        _partial = _start + StartFloats;
        _tiles = (Tile*)(_partial + TileFloats);
    }

    public readonly void CopyPixels()
    {
        int firstInputRow = firstRow * lattice.Step + lattice.FirstTapRow;
        for (int row = 0; row < _inputRows; row++)
        {
            float* target = _pixels + row * _rowPitch;
            if (firstInputRow + row < 0 || firstInputRow + row >= lattice.Height)
            {
                ClearBlocks(target, _rowPitch);
            }
            else
            {
                CopyRow(target, firstInputRow + row);
            }
        }
    }

    private readonly void CopyRow(float* target, int inputRow)
    {
        int step = lattice.Step;
        nint pixelPitch = lattice.Channels, imagePitch = (nint)lattice.Height * lattice.Width * pixelPitch;
        float* source = lattice.X + firstImage * imagePitch + (nint)inputRow * lattice.Width * pixelPitch;
        for (int plane = 0; plane < step; plane++, target += _planePitch)
        {
            // Column j of the plane holds column j·step + offset of x.
            int offset = lattice.FirstTapColumn + plane;
            int begin = offset >= 0 ? 0 : Math.Min(Blocking.Count(-offset, step), lattice.PlaneColumns);
            int end = offset >= lattice.Width ? begin : Math.Clamp((lattice.Width - 1 - offset) / step + 1, begin, lattice.PlaneColumns);
            ClearBlocks(target, begin * ColumnPitch);
            ClearBlocks(target + end * ColumnPitch, (lattice.PlaneColumns - end) * ColumnPitch);
            for (int slot = 0; slot < images; slot++)
            {
                Packing.CopyBlocks(
                    source + slot * imagePitch + (begin * step + offset) * pixelPitch, step * pixelPitch,
                    target + begin * ColumnPitch + slot * Blocking.Channels, ColumnPitch, _blockPitch, end - begin, lattice.Channels);
            }
        }
    }

    private readonly void ClearBlocks(float* target, nint count)
    {
        for (int block = 0; block < lattice.Blocks && count > 0; block++)
        {
            Clear(target + block * _blockPitch, count);
        }
    }

    private static void Clear(float* target, nint count) => Unsafe.InitBlockUnaligned(target, 0, (uint)(count * sizeof(float)));

    public void FindTiles()
    {
        int narrow = lattice.Kernels.NarrowGroup;
        _tileCount = 0;
        var open = default(Group);
        bool isOpen = false;
        for (int row = 0; row < rows; row++)
        {
            for (int pixel = 0; pixel < RunLength; pixel += _groupSize)
            {
                var group = GroupAt(row, pixel, _groupSize);
                if (isOpen)
                {
                    _tiles[_tileCount++] = new Tile { A = open, B = group, IsNarrow = _groupSize == narrow };
                }
                open = group;
                isOpen = !isOpen;
            }
        }
        if (!isOpen)
        {
            return;
        }

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
        {
            taps |= lattice.ColumnTaps[i];
        }
        return new()
        {
            X = row * lattice.Step * _rowPitch + pixel * Blocking.Channels,
            Y = (firstRow + row) * lattice.YRowPitch + column * lattice.YColumnPitch + (firstImage + slot) * lattice.YImagePitch,
            Start = slot * Blocking.Columns,
            Count = Math.Max(0, count),
            Taps = taps & lattice.RowTaps[firstRow + row],
        };
    }

    public readonly void RunPanel(int panel)
    {
        int firstChannel = panel * Blocking.Columns, channels = Math.Min(Blocking.Columns, lattice.OutChannels - firstChannel);
        FillStart(firstChannel, channels);
        var taps = stackalloc Tap[lattice.Taps.Length];
        nint weightBlock = (nint)lattice.WeightTaps * Blocking.Channels * Blocking.Columns;
        for (int column = 0; column < channels; column += lattice.Kernels.Columns)
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
            for (var tile = _tiles; tile != _tiles + _tileCount; tile++)
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

                Compute(&call, tile, firstChannel + column, Math.Min(lattice.Kernels.Columns, channels - column));
            }
        }
    }

    private readonly void Compute(PixelTile* call, Tile* tile, int channel, int channels)
    {
        int size = tile->IsNarrow ? lattice.Kernels.NarrowGroup : lattice.Kernels.WideGroup;
        float* y = lattice.Y + channel;
        bool whole = tile->A.Count == size && tile->B.Count == size && channels == lattice.Kernels.Columns;
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
        {
            lattice.Kernels.NarrowPixels(call);
        }
        else
        {
            lattice.Kernels.WidePixels(call);
        }
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
        {
            for (int channel = 0; channel < channels; channel++)
            {
                y[channel] = lattice.Residual == null ? source[channel] : source[channel] + y[channel + residual];
            }
        }
    }

    private readonly int ListTaps(Tap* taps, ulong wanted)
    {
        int count = 0;
        for (int t = 0; t < lattice.Taps.Length; t++)
        {
            if (t < PixelLattice.MaximalTaps && (wanted >> t & 1) == 0)
            {
                continue;
            }
            var tap = lattice.Taps[t];
            int column = tap.Column - lattice.FirstTapColumn;
            taps[count++] = new Tap
            {
                X = (tap.Row - lattice.FirstTapRow) * _rowPitch + column % lattice.Step * _planePitch + column / lattice.Step * ColumnPitch,
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
                {
                    start[channel] = lattice.Bias[firstChannel + channel];
                }
                if (channelAdd != null)
                {
                    start[channel] += channelAdd[firstChannel + channel];
                }
            }
        }
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
}
