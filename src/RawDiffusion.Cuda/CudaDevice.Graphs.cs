using RawDiffusion.Core;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

public sealed partial class CudaDevice
{
    private readonly bool _graphs;

    /// <summary>
    /// Takes work that will be done many times. The first launch does it as it is, which brings all that it needs to the GPU (cuBLAS loads a kernel
    /// when it first launches it, which older drivers cannot do while a stream records); the second records it as a graph, and replays it from then
    /// on, to the same bits.
    /// </summary>
    /// <param name="work">Launches, copies and fills; it may upload constants, but not read back or wait.</param>
    /// <returns>The work, which the caller launches, and disposes before the device.</returns>
    public override Recording Record(Action work) => _graphs ? new ReplayedWork(this, work) : base.Record(work);

    /// <summary>
    /// Records what an action puts into the device's stream, without running it. Kernels that have not run yet need a driver for CUDA 12.3 or later.
    /// </summary>
    /// <param name="action">
    /// Launches, copies and fills; it may upload constants, but not read back or wait. Where memory runs out that others have cached, the recording is
    /// given up, the cache given back, and the action called anew.
    /// </param>
    /// <returns>The graph, which the caller launches and disposes before the device.</returns>
    /// <exception cref="InvalidOperationException">A recording is under way, or the action read back or waited.</exception>
    /// <exception cref="DeviceException">The driver refuses, or the device is lost.</exception>
    public CudaGraph Capture(Action action)
    {
        ThrowIfRecording("another was begun");
        while (true)
        {
            try
            {
                return CaptureOnce(action);
            }
            catch (RecordingGivenUpException)
            {
                Memory.Flush();
            }
        }
    }

    private CudaGraph CaptureOnce(Action action)
    {
        _context.Enter();
        _recording = new GraphRecording(_context, Memory.Reserve());
        var recording = _recording;
        nint template = 0;
        Tensor[] writes;
        try
        {
            // Relaxed: memory may be allocated while recording, for it is set aside for the graph.
            _context.Check(CudaDriver.cuStreamBeginCapture(_stream.Value, CuStreamCaptureMode.Relaxed), "cuStreamBeginCapture");
            _context.IsRecording = true;
            CuResult ended;
            try
            {
                writes = WritesOf(action);
            }
            finally
            {
                ended = CudaDriver.cuStreamEndCapture(_stream.Value, out template);
                _context.IsRecording = false;
            }
            _context.Check(ended, "cuStreamEndCapture");
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

    private void MakeRoom()
    {
        GiveUpRecordingForRoom();
        Memory.Flush();
    }

    /// <summary>
    /// Giving memory back to the driver waits for the whole context, and nobody may wait for a context while a stream of it records: what is cached
    /// can be given back, and asked for again, only once the recording has ended.
    /// </summary>
    private void GiveUpRecordingForRoom()
    {
        if (_context.IsRecording && Memory.CachedBytes > 0)
        {
            throw new RecordingGivenUpException();
        }
    }

    /// <summary>Ends a recording that is to be made again; <see cref="Capture"/> lets it out to nobody.</summary>
    private sealed class RecordingGivenUpException : Exception;
}
