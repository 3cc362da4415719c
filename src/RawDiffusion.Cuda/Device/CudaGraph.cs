using RawDiffusion.Core;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

/// <summary>
/// Work that was recorded once and is launched, as a whole, as often as wanted: the same kernels on the same addresses. What changes from
/// launch to launch is read from device memory. The memory that the recording rented stays with the graph, so that nothing else is put
/// where the graph writes; tensors made while recording may be read after a launch, as long as they are kept.
/// </summary>
public sealed unsafe class CudaGraph : Recording
{
    private readonly CudaStream _stream;
    private readonly DriverHandle _executable;
    private readonly GraphRecording _recording;

    internal CudaGraph(CudaStream stream, nint template, GraphRecording recording, Tensor[] writes)
        : base(writes)
    {
        var context = stream.Context;
        (_stream, _recording) = (stream, recording);
        nuint nodes = 0;
        context.Check(CudaDriver.cuGraphGetNodes(template, null, ref nodes), "cuGraphGetNodes");
        Nodes = (int)nodes;
        var result = CudaDriver.cuGraphInstantiateWithFlags(out nint executable, template, 0);
        if (context.MadeRoom(result))
        {
            result = CudaDriver.cuGraphInstantiateWithFlags(out executable, template, 0);
        }
        context.Check(result, $"cuGraphInstantiate({nodes} nodes)");
        _executable = context.Own(executable, e => CudaDriver.cuGraphExecDestroy(e));
    }

    /// <summary>Kernels, copies and fills in the graph.</summary>
    public int Nodes { get; }

    /// <inheritdoc/>
    protected override void LaunchCore()
    {
        _stream.Context.Enter();
        _stream.Context.Check(CudaDriver.cuGraphLaunch(_executable.Value, _stream.Value), $"cuGraphLaunch({Nodes} nodes)");
    }

    /// <summary>Gives the graph and its memory back, after what was launched of it has run.</summary>
    public override void Dispose()
    {
        try
        {
            if (_stream.Context.LostBecause is null && !_executable.IsClosed)
            {
                _stream.Synchronize();
            }
        }
        catch (DeviceException) when (_stream.Context.LostBecause is not null)
        {
            // The next call that is no clearing up reports it.
        }
        _executable.Dispose();
        _recording.Dispose();
        base.Dispose();
    }
}

/// <summary>What a graph holds on to: the pool's memory that was rented while it was recorded, and the host bytes that it uploads.</summary>
internal sealed class GraphRecording(CudaContext context, PoolReservation memory) : IDisposable
{
    private readonly List<PinnedMemory> _uploads = [];

    /// <summary>Records a copy of these very bytes to the device.</summary>
    public void Upload(ReadOnlySpan<byte> source, nint target, CudaStream stream)
    {
        var pinned = new PinnedMemory(context, source.Length);
        _uploads.Add(pinned);
        source.CopyTo(pinned.Content);
        stream.CopyFromPinned(pinned.Address, target, source.Length);
    }

    /// <summary>Ends the recording's rule over the pool; what it rented stays set aside.</summary>
    public void Seal() => memory.Seal();

    public void Dispose()
    {
        _uploads.ForEach(u => u.Dispose());
        memory.Dispose();
    }
}

public sealed partial class CudaDevice
{
    private readonly bool _graphs;

    /// <inheritdoc/>
    public override Recording Record(Action work) => _graphs ? Capture(work) : base.Record(work);

    /// <summary>Records what an action puts into the device's stream, without running it.</summary>
    /// <param name="action">Launches, copies and fills; it may upload constants, but not read back or wait.</param>
    /// <returns>The graph, which the caller launches and disposes before the device.</returns>
    /// <exception cref="InvalidOperationException">A recording is under way, or the action read back or waited.</exception>
    /// <exception cref="DeviceException">The driver refuses, or the device is lost.</exception>
    public CudaGraph Capture(Action action)
    {
        ThrowIfRecording("another was begun");
        _context.Enter();
        _recording = new GraphRecording(_context, Memory.Reserve());
        var recording = _recording;
        nint template = 0;
        Tensor[] writes;
        try
        {
            // Relaxed: memory may be allocated while recording, for it is set aside for the graph.
            _context.Check(CudaDriver.cuStreamBeginCapture(_stream.Value, CuStreamCaptureMode.Relaxed), "cuStreamBeginCapture");
            try
            {
                writes = WritesOf(action);
            }
            catch
            {
                _ = CudaDriver.cuStreamEndCapture(_stream.Value, out template);
                throw;
            }
            _context.Check(CudaDriver.cuStreamEndCapture(_stream.Value, out template), "cuStreamEndCapture");
            recording.Seal();
            return new CudaGraph(_stream, template, recording, writes);
        }
        catch
        {
            recording.Dispose();
            throw;
        }
        finally
        {
            _recording = null;
            if (template != 0)
            {
                _ = CudaDriver.cuGraphDestroy(template);
            }
        }
    }
}
