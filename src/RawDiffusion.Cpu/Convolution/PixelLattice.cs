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
    /// <summary>Of more taps than this, none are skipped.</summary>
    public const int MaximalTaps = 64;

    // The copy of x shares the second-level cache with one panel of weights.
    private const long ScratchBudget = 320 << 10;
    private const int TasksPerWorker = 4;

    public required int Images, Height, Width, Channels;
    public required float* X;
    public required int Rows, Columns, OutChannels, Step;
    public required float* Y;
    public required nint YImagePitch, YRowPitch, YColumnPitch;
    public required TapPosition[] Taps;
    public required float* Weights;
    public required int WeightTaps;
    public float* Bias, ChannelAdd, Residual;

    private readonly KernelSet _kernels;
    private int _bands, _bandRows, _panels, _panelGroups;
    private bool _weightsOutweighPixels;

    public PixelLattice(ThreadTeam workers, in KernelSet kernels) => (Team, _kernels) = (workers, kernels);

    public ThreadTeam Team { get; }

    public ref readonly KernelSet Kernels => ref _kernels;

    /// <summary>Images that are interleaved in a region.</summary>
    public int Slots { get; private set; }

    /// <summary>The least row of a tap, and how many rows from it on the taps reach.</summary>
    public int FirstTapRow { get; private set; }

    /// <inheritdoc cref="FirstTapRow"/>
    public int TapRows { get; private set; }

    /// <summary>The least column of a tap.</summary>
    public int FirstTapColumn { get; private set; }

    /// <summary>Columns of x, apron included, of each of the Step planes of a row.</summary>
    public int PlaneColumns { get; private set; }

    /// <summary>Element i has bit t set where tap t of output row i falls on a row of x.</summary>
    public ulong[] RowTaps { get; private set; } = [];

    /// <summary>Element j has bit t set where tap t of output column j falls on a column of x.</summary>
    public ulong[] ColumnTaps { get; private set; } = [];

    public int Blocks => Blocking.Count(Channels, Blocking.Channels);

    /// <summary>The most scratch that a worker needs.</summary>
    public long WorkerBytes()
    {
        if (Rows <= 0 || Columns <= 0)
        {
            return 0;
        }
        Plan();
        return new PixelRegion(this, 0, Math.Min(Slots, Images), 0, _bandRows).Plan();
    }

    public void Run()
    {
        if (Rows <= 0 || Columns <= 0)
        {
            return;
        }
        Plan();
        Team.Run(Blocking.Count(Images, Slots) * _bands * _panelGroups, RunTask);
    }

    private void Plan()
    {
        int lastTapRow = 0, lastTapColumn = 0;
        for (int t = 0; t < Taps.Length; t++)
        {
            var tap = Taps[t];
            (FirstTapRow, lastTapRow) = t == 0 ? (tap.Row, tap.Row) : (Math.Min(FirstTapRow, tap.Row), Math.Max(lastTapRow, tap.Row));
            (FirstTapColumn, lastTapColumn) = t == 0 ? (tap.Column, tap.Column) : (Math.Min(FirstTapColumn, tap.Column), Math.Max(lastTapColumn, tap.Column));
        }
        TapRows = lastTapRow - FirstTapRow + 1;
        PlaneColumns = Blocking.Count((Columns - 1) * Step + lastTapColumn - FirstTapColumn + 1, Step);
        _panels = Blocking.Count(OutChannels, Blocking.Columns);
        Slots = CountSlots();

        long rowBytes = (long)Step * PlaneColumns * Slots * Blocks * Blocking.Channels * sizeof(float);
        _bandRows = (int)Math.Clamp((ScratchBudget / rowBytes - TapRows) / Step + 1, 1, Rows);
        _bands = Blocking.Count(Rows, _bandRows);
        _panelGroups = 1;
        _weightsOutweighPixels = (long)Taps.Length * OutChannels > (long)Images * Height * Width;
        int wanted = Team.Count == 1 ? 1 : Team.Count * TasksPerWorker;
        int groups = Blocking.Count(Images, Slots);
        while (groups * _bands * _panelGroups < wanted)
        {
            if ((_weightsOutweighPixels || _bands * 2 > Rows) && _panelGroups * 2 <= _panels)
            {
                _panelGroups *= 2;
            }
            else if (_bands * 2 <= Rows)
            {
                _bands *= 2;
            }
            else
            {
                break;
            }
        }
        _bandRows = Blocking.Count(Rows, _bands);
        _bands = Blocking.Count(Rows, _bandRows);
        RowTaps = TapsThatMeet(Rows, Height, static tap => tap.Row);
        ColumnTaps = TapsThatMeet(Columns, Width, static tap => tap.Column);
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
                {
                    masks[i] |= 1ul << t;
                }
            }
        }
        return masks;
    }

    private int CountSlots()
    {
        if (Taps.Length == 1 || Height * Width > 64)
        {
            return 1;
        }

        int wide = 2 * Kernels.WideGroup, narrow = 2 * Kernels.NarrowGroup;
        return Images >= wide + narrow ? wide : Images >= narrow ? narrow : Images >= Kernels.NarrowGroup ? Kernels.NarrowGroup : 1;
    }

    private void RunTask(int task, int worker)
    {
        var (panelGroup, band, group) = Decode(task);
        int firstImage = group * Slots, firstRow = band * _bandRows;
        var region = new PixelRegion(this, firstImage, Math.Min(Slots, Images - firstImage), firstRow, Math.Min(_bandRows, Rows - firstRow));
        region.Rent(worker);
        region.CopyPixels();
        region.FindTiles();
        int firstPanel = panelGroup * _panels / _panelGroups, endPanel = (panelGroup + 1) * _panels / _panelGroups;
        for (int panel = firstPanel; panel < endPanel; panel++)
        {
            region.RunPanel(panel);
        }
    }

    private (int PanelGroup, int Band, int Group) Decode(int task)
    {
        int groups = Blocking.Count(Images, Slots);
        return _weightsOutweighPixels
            ? (task / (_bands * groups), task % _bands, task / _bands % groups)
            : (task % _panelGroups, task / _panelGroups % _bands, task / (_panelGroups * _bands));
    }
}
