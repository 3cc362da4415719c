namespace RawDiffusion.Core;

/// <summary>
/// Where tensors live and ops run. Each op adds its part of the contract in its own file under <c>Ops/</c>; a device that lacks an op
/// does not compile. Contract methods may trust their arguments: the <see cref="Tape"/> has checked shapes, devices and lifetimes.
/// Outputs come with undefined content; every gradient goes where a <see cref="Sink"/> says, which also says whether it is added there.
/// A device is driven by one thread at a time; results never depend on how many threads or blocks it uses inside.
/// </summary>
public abstract partial class Device : IDisposable
{
    /// <summary>A device with an empty pool.</summary>
    protected Device() => Memory = new BufferPool(AllocateRaw, FreeRaw, () => FreeBytes);

    /// <summary>What the device is, for people: <c>CPU, 2 threads, AVX-512</c>.</summary>
    public abstract string Description { get; }

    /// <summary>The element type of activations, weights and their gradients.</summary>
    public abstract DType Real { get; }

    /// <summary>The device's memory.</summary>
    public BufferPool Memory { get; }

    /// <summary>The memory that the device has left, in bytes; null if it does not know.</summary>
    public virtual long? FreeBytes => null;

    /// <summary>
    /// Fills new tensors with bytes of 0xFF (NaN as a float) instead of leaving old content, so that a kernel that reads what nobody
    /// wrote is caught. For tests.
    /// </summary>
    public bool PoisonNewTensors { get; set; }

    /// <summary>Fresh memory of this many bytes, aligned to 64, or 0 if there is none.</summary>
    protected abstract nint AllocateRaw(long bytes);

    /// <summary>Gives back what <see cref="AllocateRaw"/> gave.</summary>
    protected abstract void FreeRaw(nint address);

    /// <summary>Copies host bytes to device memory.</summary>
    public abstract void CopyFromHost(ReadOnlySpan<byte> source, nint target);

    /// <summary>Copies device memory to host bytes, after everything launched before has finished.</summary>
    public abstract void CopyToHost(nint source, Span<byte> target);

    /// <summary>Copies device memory to device memory; the ranges do not overlap.</summary>
    public abstract void Copy(nint source, nint target, long bytes);

    /// <summary>Sets device memory to one byte value.</summary>
    public abstract void Fill(nint target, long bytes, byte value);

    /// <summary>Waits until everything launched has finished.</summary>
    public abstract void Synchronize();

    /// <summary>
    /// Takes work that will be done many times. A GPU records what the action puts into its stream, without running it, and replays it as a
    /// whole; another device calls the action at every launch. So the action should put in the same work each time, on tensors that outlive
    /// the recording or are its own; what changes from launch to launch is read from tensors. It reads nothing back and does not wait.
    /// </summary>
    /// <param name="work">Ops, copies and fills.</param>
    /// <returns>The work, which the caller launches, and disposes before the device.</returns>
    /// <exception cref="DeviceException">The device cannot take it.</exception>
    public virtual Recording Record(Action work) => new Recording.Direct(work);

    /// <summary>
    /// How many bytes of a data set the device had better hold itself than be sent batch by batch: a share of the memory that is free now.
    /// Zero where the device's memory is the host's.
    /// </summary>
    public virtual long DataSetBytes => 0;

    /// <summary>Frees the device's memory and threads. Tensors of this device must be disposed before.</summary>
    public virtual void Dispose()
    {
        Memory.Flush();
        GC.SuppressFinalize(this);
    }
}
