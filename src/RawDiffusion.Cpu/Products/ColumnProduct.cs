namespace RawDiffusion.Cpu;

/// <summary>
/// C = α·Aᵀ·B + bias + addend with the weight kernel, for A stored [K,M] and B stored [K,N]: both are read along their rows, and nothing is transposed.
/// K is cut into a number of groups that depends on the shape alone, which are summed in order.
/// </summary>
internal sealed unsafe class ColumnProduct
{
    private const int UnitLength = 256;
    private const int WidestRange = 128;
    private const int TasksPerWorker = 4;
    private const long GroupBudget = 1280 << 10;
    private const int MaximalGroups = 16;

    public required float* A, B, C;
    public float* Bias, Addend;

    private readonly ThreadTeam _workers;
    private readonly KernelSet _kernels;
    private readonly MatrixProduct _product;
    private readonly int _blocks, _panels, _units, _groups;
    private readonly int _blockRange, _panelRange, _blockRanges, _panelRanges;
    private readonly nint _panelFloats, _groupFloats;
    private float* _partial;

    public ColumnProduct(ThreadTeam workers, in KernelSet kernels, in MatrixProduct product)
    {
        (_workers, _kernels, _product) = (workers, kernels, product);
        _blocks = Blocking.Count(product.M, Blocking.Channels);
        _panels = Blocking.Count(product.N, Blocking.Columns);
        _panelFloats = (nint)_blocks * Blocking.Channels * Blocking.Columns;
        _groupFloats = _panels * _panelFloats;
        _units = Blocking.Count(product.K, UnitLength);
        _groups = (int)Math.Clamp(GroupBudget / (_groupFloats * sizeof(float)), 1, Math.Clamp(_units, 1, MaximalGroups));

        _blockRange = Math.Min(_blocks, WidestRange / Blocking.Channels);
        _panelRange = Math.Min(_panels, WidestRange / Blocking.Columns);
        int wanted = workers.Count == 1 ? 1 : TasksPerWorker * workers.Count;
        while (product.Batch * _groups * Blocking.Count(_blocks, _blockRange) * Blocking.Count(_panels, _panelRange) < wanted && (_blockRange > 1 || _panelRange > 1))
        {
            if (_panelRange > 1 && _panelRange * Blocking.Columns >= _blockRange * Blocking.Channels)
            {
                _panelRange = (_panelRange + 1) / 2;
            }
            else
            {
                _blockRange = (_blockRange + 1) / 2;
            }
        }
        _blockRanges = Blocking.Count(_blocks, _blockRange);
        _panelRanges = Blocking.Count(_panels, _panelRange);
    }

    /// <summary>Scratch that the workers share.</summary>
    public long SharedBytes => _product.Batch * _groups * (long)_groupFloats * sizeof(float);

    /// <summary>The most scratch that a worker needs.</summary>
    public long WorkerBytes => ScratchBytes(_blockRange, _panelRange);

    public void Run()
    {
        _partial = (float*)_workers.SharedScratch(SharedBytes);
        _workers.Run(_product.Batch * _groups * _blockRanges * _panelRanges, RunTask);
        if (_groups > 1)
        {
            _workers.Run(_product.Batch * _blocks, (task, _) =>
            {
                for (int panel = 0; panel < _panels; panel++)
                {
                    Store(task / _blocks, task % _blocks, panel);
                }
            });
        }
    }

    private static long ScratchBytes(int blocks, int panels) => (long)UnitLength * (blocks * Blocking.Channels + panels * Blocking.Columns) * sizeof(float);

    private float* SumsOf(int product, int group, int block, int panel) =>
        _partial + ((nint)product * _groups + group) * _groupFloats + panel * _panelFloats + (nint)block * Blocking.Channels * Blocking.Columns;

    private void RunTask(int task, int worker)
    {
        int panelRange = task % _panelRanges, blockRange = task / _panelRanges % _blockRanges, group = task / (_panelRanges * _blockRanges) % _groups;
        int product = task / (_panelRanges * _blockRanges * _groups);
        int firstPanel = panelRange * _panelRange, panels = Math.Min(_panelRange, _panels - firstPanel);
        int firstBlock = blockRange * _blockRange, blocks = Math.Min(_blockRange, _blocks - firstBlock);
        for (int panel = 0; panel < panels; panel++)
        {
            new Span<float>(SumsOf(product, group, firstBlock, firstPanel + panel), blocks * Blocking.Channels * Blocking.Columns).Clear();
        }
        float* scratch = (float*)_workers.Scratch(worker, ScratchBytes(blocks, panels));
        for (int unit = (int)((long)group * _units / _groups); unit < (long)(group + 1) * _units / _groups; unit++)
        {
            int first = unit * UnitLength, length = Math.Min(UnitLength, _product.K - first);
            float* right = scratch + UnitLength * blocks * Blocking.Channels;
            Packing.CopyBlocks(
                A + product * _product.StrideA + (nint)first * _product.LeadingA + firstBlock * Blocking.Channels, _product.LeadingA,
                scratch, Blocking.Channels, UnitLength * Blocking.Channels, length, Math.Min(blocks * Blocking.Channels, _product.M - firstBlock * Blocking.Channels));
            Packing.CopyBlocks(
                B + product * _product.StrideB + (nint)first * _product.LeadingB + firstPanel * Blocking.Columns, _product.LeadingB,
                right, Blocking.Columns, UnitLength * Blocking.Columns, length, Math.Min(panels * Blocking.Columns, _product.N - firstPanel * Blocking.Columns), Blocking.Columns);
            for (int panel = 0; panel < panels; panel++)
            {
                for (int block = 0; block < blocks; block++)
                {
                    AddProducts(SumsOf(product, group, firstBlock + block, firstPanel + panel), scratch + block * UnitLength * Blocking.Channels,
                        right + panel * UnitLength * Blocking.Columns, length);
                }
            }
        }
        for (int block = firstBlock; _groups == 1 && block < firstBlock + blocks; block++)
        {
            for (int panel = firstPanel; panel < firstPanel + panels; panel++)
            {
                Store(product, block, panel);
            }
        }
    }

    private void AddProducts(float* sums, float* block, float* panel, int length)
    {
        var call = new WeightTile { Rows = 1, Pixels = length, SumsPitch = Blocking.Columns };
        for (int row = 0; row < Blocking.Channels; row += _kernels.WeightRows)
        {
            for (int column = 0; column < Blocking.Columns; column += _kernels.Columns)
            {
                call.A = block + row;
                call.B = panel + column;
                call.Sums = sums + row * Blocking.Columns + column;
                _kernels.Weights(&call);
            }
        }
    }

    private void Store(int product, int block, int panel)
    {
        int firstColumn = panel * Blocking.Columns, columns = Math.Min(Blocking.Columns, _product.N - firstColumn);
        int firstRow = block * Blocking.Channels, rows = Math.Min(Blocking.Channels, _product.M - firstRow);
        nint residual = (nint)(Addend - C);
        float* sums = SumsOf(product, 0, block, panel);
        float* c = C + product * _product.StrideC + (nint)firstRow * _product.LeadingC + firstColumn;
        for (int row = 0; row < rows; row++, c += _product.LeadingC, sums += Blocking.Columns)
        {
            for (int column = 0; column < columns; column++)
            {
                float sum = sums[column];
                for (int group = 1; group < _groups; group++)
                {
                    sum += sums[group * _groupFloats + column];
                }
                sum *= _product.Alpha;
                if (Bias != null)
                {
                    sum += Bias[firstColumn + column];
                }
                if (Addend != null)
                {
                    sum += c[column + residual];
                }
                c[column] = sum;
            }
        }
    }
}
