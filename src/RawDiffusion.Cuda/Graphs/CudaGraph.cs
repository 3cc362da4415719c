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
