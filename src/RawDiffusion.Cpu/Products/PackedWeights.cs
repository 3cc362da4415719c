using System.Runtime.InteropServices;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

/// <summary>
/// Convolution weights in the order of the pixel kernels, [panel of 32 columns][block of 16 rows][tap][16][32]: rows are the channels that are summed over,
/// columns those that come out. Packed weights are kept until the caller's version of them changes, or the memory they came from is freed.
/// </summary>
internal sealed unsafe class PackedWeights(ThreadTeam workers) : IDisposable
{
    // By the memory that holds the weights, so that its end finds them all at once.
    private readonly Dictionary<nint, Dictionary<(nint Weights, bool Backward), Entry>> _entries = [];

    /// <summary>Bytes of packed weights.</summary>
    public long Bytes { get; private set; }

    private sealed class Entry
    {
        public float* Memory;
        public long Floats, Version;
        public (int, int, int) Shape;
    }

    /// <summary>Number of floats of packed weights.</summary>
    public static long Size(in ConvGeometry geometry, bool backward)
    {
        var (rows, columns) = backward ? (geometry.Cout, geometry.Cin) : (geometry.Cin, geometry.Cout);
        return (long)Blocking.Count(columns, Blocking.Columns) * PanelSize(rows, geometry.Kernel * geometry.Kernel);
    }

    /// <summary>The packed form of <paramref name="weights"/>, made anew where none of this version is kept.</summary>
    /// <param name="geometry">Channels and kernel size.</param>
    /// <param name="weights">[Cout,Kernel,Kernel,Cin].</param>
    /// <param name="backward">Sums over Cout instead of Cin.</param>
    /// <param name="identity">By what to keep it.</param>
    public float* Get(in ConvGeometry geometry, float* weights, bool backward, WeightsIdentity identity)
    {
        ref var entries = ref CollectionsMarshal.GetValueRefOrAddDefault(_entries, identity.Memory, out _);
        entries ??= [];
        ref var entry = ref CollectionsMarshal.GetValueRefOrAddDefault(entries, ((nint)weights, backward), out _);
        entry ??= new Entry();
        var shape = (geometry.Cin, geometry.Cout, geometry.Kernel);
        if (entry.Memory != null && identity.Version != 0 && entry.Version == identity.Version && entry.Shape == shape)
        {
            return entry.Memory;
        }
        long floats = Size(geometry, backward);
        if (entry.Floats < floats)
        {
            Free(entry);
            entry.Memory = (float*)NativePages.Allocate(floats * sizeof(float));
            entry.Floats = floats;
            Bytes += floats * sizeof(float);
        }
        Pack(geometry, weights, backward, entry.Memory);
        (entry.Version, entry.Shape) = (identity.Version, shape);
        return entry.Memory;
    }

    /// <summary>Drops what was packed from memory that is freed.</summary>
    public void Forget(nint memory)
    {
        if (_entries.Remove(memory, out var entries))
        {
            foreach (var entry in entries.Values)
            {
                Free(entry);
            }
        }
    }

    public void Dispose()
    {
        foreach (nint memory in _entries.Keys.ToArray())
        {
            Forget(memory);
        }
    }

    private void Free(Entry entry)
    {
        NativePages.Free(entry.Memory);
        Bytes -= entry.Floats * sizeof(float);
        entry.Memory = null;
        entry.Floats = 0;
    }

    private static long PanelSize(int rows, int taps) =>
        (long)Blocking.Count(rows, Blocking.Channels) * taps * Blocking.Channels * Blocking.Columns;

    private void Pack(ConvGeometry geometry, float* weights, bool backward, float* target)
    {
        int taps = geometry.Kernel * geometry.Kernel;
        var (rows, columns) = backward ? (geometry.Cout, geometry.Cin) : (geometry.Cin, geometry.Cout);
        int blocks = Blocking.Count(rows, Blocking.Channels), panels = Blocking.Count(columns, Blocking.Columns);
        nint outPitch = (nint)taps * geometry.Cin;
        workers.Run(panels * blocks, (task, _) =>
        {
            int firstColumn = task / blocks * Blocking.Columns, firstRow = task % blocks * Blocking.Channels;
            int columnCount = Math.Min(Blocking.Columns, columns - firstColumn), rowCount = Math.Min(Blocking.Channels, rows - firstRow);
            float* tile = target + (nint)task * taps * Blocking.Channels * Blocking.Columns;
            for (int tap = 0; tap < taps; tap++, tile += Blocking.Channels * Blocking.Columns)
            {
                if (backward)
                {
                    Packing.Copy(weights + firstRow * outPitch + tap * geometry.Cin + firstColumn, outPitch, tile, Blocking.Columns, rowCount, columnCount);
                }
                else
                {
                    Packing.Transpose(weights + firstColumn * outPitch + tap * geometry.Cin + firstRow, outPitch, tile, Blocking.Columns, columnCount, rowCount);
                }
            }
        });
    }
}
