using RawDiffusion.Core;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

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
        try
        {
            // Relaxed: memory may be allocated while recording, for it is set aside for the graph.
            _context.Check(CudaDriver.cuStreamBeginCapture(_stream.Value, CuStreamCaptureMode.Relaxed), "cuStreamBeginCapture");
            try
            {
                action();
            }
            catch
            {
                _ = CudaDriver.cuStreamEndCapture(_stream.Value, out template);
                throw;
            }
            _context.Check(CudaDriver.cuStreamEndCapture(_stream.Value, out template), "cuStreamEndCapture");
            recording.Seal();
            return new CudaGraph(_stream, template, recording);
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
