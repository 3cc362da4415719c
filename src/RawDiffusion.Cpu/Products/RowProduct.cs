namespace RawDiffusion.Cpu;

/// <summary>
/// C = α·op(A)·op(B) + bias + addend with the pixel kernels: rows of C are their pixels, and there is one tap. B is packed once, for all workers, as
/// [product][panel of 32 columns][block of 16 along K][16][32]; a task copies some rows of A as [block of 16 along K][row][16].
/// </summary>
internal sealed unsafe class RowProduct
{
    private const int ChunkBlocks = 64;
    private const int ScratchFloats = 64 << 10;
    private const int TasksPerWorker = 4;
    private const int PackBlocks = 16;

    public required float* A, B, C;
    public float* Bias, Addend;

    /// <summary>B in the order of the kernels, or null where it has to be packed first.</summary>
    public float* PackedB;

    private readonly ThreadTeam _workers;
    private readonly KernelSet _kernels;
    private readonly MatrixProduct _product;
    private readonly int _blocks, _panels, _bandRows, _bands, _panelGroups, _packedProducts;
    private readonly nint _panelFloats;
    private float* _packed;

    public RowProduct(ThreadTeam workers, in KernelSet kernels, in MatrixProduct product)
    {
        (_workers, _kernels, _product) = (workers, kernels, product);
        _blocks = Blocking.Count(product.K, Blocking.Channels);
        _panels = Blocking.Count(product.N, Blocking.Columns);
        _panelFloats = (nint)_blocks * Blocking.Channels * Blocking.Columns;
        _packedProducts = product.StrideB == 0 ? 1 : product.Batch;

        int wide = 2 * kernels.WideGroup, wanted = workers.Count == 1 ? 1 : workers.Count * TasksPerWorker;
        int chunk = Math.Max(1, Math.Min(_blocks, ChunkBlocks)) * Blocking.Channels;
        _bandRows = Math.Clamp(ScratchFloats / chunk, wide, Math.Max(wide, product.M));
        int bands = Blocking.Count(product.M, _bandRows);
        while (bands * product.Batch < wanted && product.M / (bands * 2) >= 2 * wide)
        {
            bands *= 2;
        }
        _bandRows = Blocking.Count(Blocking.Count(product.M, bands), 2) * 2;
        _bands = Blocking.Count(product.M, _bandRows);
        _panelGroups = Math.Clamp(wanted / (_bands * product.Batch), 1, _panels);
    }

    /// <summary>Scratch that the workers share where B has to be packed first.</summary>
    public long SharedBytes => (_packedProducts * _panels * (long)_panelFloats + 2 * Blocking.Columns) * sizeof(float);

    /// <summary>The most scratch that a worker needs.</summary>
    public long WorkerBytes => ScratchBytes(Math.Min(_bandRows, _product.M));

    // A tile may overhang the rows: what it computes there is dropped.
    private int OverhangFloats => 2 * _kernels.WideGroup * Blocking.Columns;

    private nint BlockPitch(int rows) => (nint)(rows + 2 * _kernels.WideGroup) * Blocking.Channels;

    private long ScratchBytes(int rows) => (Blocking.Columns + OverhangFloats + Math.Min(_blocks, ChunkBlocks) * BlockPitch(rows)) * sizeof(float);

    public void Run()
    {
        _packed = PackedB;
        if (_packed == null)
        {
            _packed = (float*)_workers.SharedScratch(SharedBytes);
            int packTasks = Math.Max(1, Blocking.Count(_blocks, PackBlocks));
            _workers.Run(_packedProducts * _panels * packTasks, PackB);
        }
        _workers.Run(_product.Batch * _bands * _panelGroups, RunTask);
    }

    private void PackB(int task, int worker)
    {
        int parts = Blocking.Count(_blocks, PackBlocks);
        if (parts == 0)
        {
            return;
        }
        int panel = task / parts % _panels, product = task / (parts * _panels), firstRow = task % parts * PackBlocks * Blocking.Channels;
        int rows = Math.Min(PackBlocks * Blocking.Channels, _product.K - firstRow), columns = Math.Min(Blocking.Columns, _product.N - panel * Blocking.Columns);
        float* target = _packed + (product * _panels + panel) * _panelFloats + (nint)firstRow * Blocking.Columns;
        float* source = B + product * _product.StrideB;
        if (_product.TransposeB)
        {
            Packing.Transpose(source + (nint)panel * Blocking.Columns * _product.LeadingB + firstRow, _product.LeadingB, target, Blocking.Columns, columns, rows);
        }
        else
        {
            Packing.Copy(source + (nint)firstRow * _product.LeadingB + panel * Blocking.Columns, _product.LeadingB, target, Blocking.Columns, rows, columns);
        }
    }

    private void RunTask(int task, int worker)
    {
        int panelGroup = task % _panelGroups, band = task / _panelGroups % _bands, product = task / (_panelGroups * _bands);
        int firstRow = band * _bandRows, rows = Math.Min(_bandRows, _product.M - firstRow);
        int firstPanel = panelGroup * _panels / _panelGroups, endPanel = (panelGroup + 1) * _panels / _panelGroups;

        nint blockPitch = BlockPitch(rows);
        float* start = (float*)_workers.Scratch(worker, ScratchBytes(rows));
        float* pixels = start + Blocking.Columns + OverhangFloats;
        int block = 0;
        do
        {
            int blocks = Math.Min(ChunkBlocks, _blocks - block);
            CopyA(product, firstRow, rows, block, blocks, pixels, blockPitch);
            for (int panel = firstPanel; panel < endPanel; panel++)
            {
                RunPanel(product, firstRow, rows, panel, block, blocks, start, pixels, blockPitch);
            }
            block += ChunkBlocks;
        }
        while (block < _blocks);
    }

    private void CopyA(int product, int firstRow, int rows, int block, int blocks, float* target, nint blockPitch)
    {
        int first = block * Blocking.Channels, count = Math.Min(blocks * Blocking.Channels, _product.K - first);
        float* source = A + product * _product.StrideA;
        if (!_product.TransposeA)
        {
            Packing.CopyBlocks(source + (nint)firstRow * _product.LeadingA + first, _product.LeadingA, target, Blocking.Channels, blockPitch, rows, count);
        }
        for (int i = 0; i < blocks; i++, first += Blocking.Channels, target += blockPitch)
        {
            if (_product.TransposeA)
            {
                Packing.Transpose(
                    source + (nint)first * _product.LeadingA + firstRow, _product.LeadingA, target, Blocking.Channels,
                    Math.Min(Blocking.Channels, _product.K - first), rows);
            }
            if (_product.Alpha != 1)
            {
                Packing.Scale(target, rows * Blocking.Channels, _product.Alpha);
            }
        }
    }

    private void RunPanel(int product, int firstRow, int rows, int panel, int block, int blocks, float* start, float* pixels, nint blockPitch)
    {
        int firstColumn = panel * Blocking.Columns, columns = Math.Min(Blocking.Columns, _product.N - firstColumn);
        new Span<float>(start, Blocking.Columns).Clear();
        if (Bias != null && block == 0)
        {
            new Span<float>(Bias + firstColumn, columns).CopyTo(new Span<float>(start, Blocking.Columns));
        }
        float* addend = block == 0 ? Addend : C;
        Tap tap = default;
        for (int column = 0; column < columns; column += _kernels.Columns)
        {
            int count = Math.Min(_kernels.Columns, columns - column);
            var call = new PixelTile
            {
                XBlockPitch = blockPitch,
                Blocks = blocks,
                LastChannels = Math.Min(Blocking.Channels, _product.K - (block + blocks - 1) * Blocking.Channels),
                Taps = &tap,
                TapCount = 1,
                W = _packed + (product % _packedProducts * _panels + panel) * _panelFloats + ((nint)block * Blocking.Channels * Blocking.Columns) + column,
                WBlockPitch = Blocking.Channels * Blocking.Columns,
                StartA = start + column,
                StartB = start + column,
                Residual = (nint)(addend - C),
            };
            float* c = C + product * _product.StrideC + (nint)firstRow * _product.LeadingC + firstColumn + column;
            for (int row = 0; row < rows;)
            {
                bool narrow = PrefersNarrow(rows - row);
                int group = narrow ? _kernels.NarrowGroup : _kernels.WideGroup;
                Compute(&call, narrow, group, pixels + row * Blocking.Channels, c + (nint)row * _product.LeadingC, Math.Min(2 * group, rows - row), count,
                    start + Blocking.Columns, addend != null);
                row += 2 * group;
            }
        }
    }

    // Wide tiles, with as many narrow ones first as make them fit.
    private bool PrefersNarrow(int rows)
    {
        int wide = 2 * _kernels.WideGroup, narrow = 2 * _kernels.NarrowGroup;
        if (rows <= narrow)
        {
            return true;
        }
        for (int rest = rows; rest >= 0; rest -= narrow)
        {
            if (rest % wide == 0)
            {
                return rest != rows;
            }
        }
        return false;
    }

    private void Compute(PixelTile* call, bool narrow, int group, float* pixels, float* c, int rows, int columns, float* partial, bool add)
    {
        call->XA = pixels;
        call->XB = pixels + group * Blocking.Channels;
        bool whole = rows == 2 * group && columns == _kernels.Columns;
        call->YPitch = whole ? _product.LeadingC : Blocking.Columns;
        call->YA = whole ? c : partial;
        call->YB = call->YA + group * call->YPitch;
        call->HasResidual = whole && add;
        if (narrow)
        {
            _kernels.NarrowPixels(call);
        }
        else
        {
            _kernels.WidePixels(call);
        }
        for (int row = 0; !whole && row < rows; row++, c += _product.LeadingC, partial += Blocking.Columns)
        {
            for (int column = 0; column < columns; column++)
            {
                c[column] = add ? partial[column] + c[column + call->Residual] : partial[column];
            }
        }
    }
}
