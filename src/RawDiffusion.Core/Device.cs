namespace RawDiffusion.Core;

/// <summary>
/// Where tensors live and ops run. Each op adds its part of the contract in its own file under <c>Ops/</c>: a method that checks its
/// arguments, marks what it writes (<see cref="Tensor.Version"/>) and calls the abstract one of the same name and <c>Core</c>, which may
/// trust them. A device that lacks an op does not compile. Every op throws an <see cref="ArgumentException"/> for arguments that do not fit,
/// and an <see cref="ObjectDisposedException"/> for tensors whose memory was given back.
/// Outputs come with undefined content; every gradient goes where a <see cref="Sink"/> says, which also says whether it is added there.
/// A device is driven by one thread at a time; results never depend on how many threads or blocks it uses inside.
/// </summary>
public abstract partial class Device : IDisposable
{
    private HashSet<Tensor>? _writes;

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
    /// Takes work that will be done many times. A GPU calls the action at the first launch, records at the second what it puts into its stream,
    /// and replays that as a whole from then on; another device calls the action at every launch. So the action should put in the same work
    /// each time, on tensors that outlive the recording or are its own; what changes from launch to launch is read from tensors. It reads
    /// nothing back and does not wait. Every launch marks what the work writes.
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

    /// <summary>Does work and returns the tensors that it wrote and left alive: those that a <see cref="Recording"/> of it writes at each launch.</summary>
    protected Tensor[] WritesOf(Action work)
    {
        var writes = _writes = [];
        try
        {
            work();
        }
        finally
        {
            _writes = null;
        }
        return [.. writes.Where(tensor => !tensor.IsDisposed)];
    }

    /// <summary>Called when the memory at an address has been given back: a device drops here what it derived from the content.</summary>
    protected internal virtual void OnFreed(nint address)
    {
    }

    /// <summary>Notes that the content of a tensor, which owns its memory, was replaced.</summary>
    internal void NoteWrite(Tensor owner) => _writes?.Add(owner);

    /// <summary>Checks that an op's tensors are alive, here, and of real numbers.</summary>
    internal void Check(string op, params ReadOnlySpan<Tensor?> tensors)
    {
        foreach (var tensor in tensors)
        {
            Check(op, tensor, Real);
        }
    }

    /// <summary>Checks that a tensor, if there is one, is alive, here, and of a type.</summary>
    internal void Check(string op, Tensor? tensor, DType type)
    {
        if (tensor is null)
        {
            return;
        }
        if (tensor.IsDisposed)
        {
            throw tensor.Disposed(op);
        }
        if (tensor.Device != this)
        {
            throw new ArgumentException($"{op}: {tensor} lives on {tensor.Device.Description}, but the op runs on {Description}. Upload it there first.");
        }
        if (tensor.DType != type)
        {
            throw new ArgumentException($"{op}: {tensor} was given where elements of {type} are expected. Upload the numbers to a tensor of that type.");
        }
    }

    /// <summary>Checks that a tensor, if there is one, is alive, here, and of a shape and type (of real numbers if not given).</summary>
    internal void Check(string op, string what, Tensor? tensor, Shape shape, DType? type = null)
    {
        Check(op, tensor, type ?? Real);
        if (tensor is not null && tensor.Shape != shape)
        {
            throw new ArgumentException($"{op}: {what} should be {shape}, but {tensor} was given");
        }
    }

    /// <summary>Checks a random stream.</summary>
    internal void Check(string op, in RandomStream stream)
    {
        if (stream.Position is null)
        {
            throw new ArgumentException($"{op}: expected a random stream to draw from; found none, nor the numbers themselves");
        }
        Check(op, "the stream's position (step, first sample)", stream.Position, new Shape(2), DType.Int32);
    }

    /// <summary>Checks an output, if there is one, as <see cref="Check(string, string, Tensor?, Shape, DType?)"/> does, and marks it as written.</summary>
    private void Written(string op, string what, Tensor? output, Shape shape)
    {
        Check(op, what, output, shape);
        output?.MarkWritten();
    }

    /// <summary>Checks and marks where a gradient goes; says whether it goes anywhere.</summary>
    private bool Written(string op, string what, Sink sink, Shape shape)
    {
        Written(op, what, sink.Tensor, shape);
        return sink.IsWanted;
    }

    /// <summary>Checks that tensors fit together.</summary>
    internal static void Expect(bool condition, string op, string expected, params ReadOnlySpan<Tensor?> found)
    {
        if (!condition)
        {
            throw Unfit(op, expected, found);
        }
    }

    /// <summary>The error for tensors that do not fit together.</summary>
    internal static ArgumentException Unfit(string op, string expected, params ReadOnlySpan<Tensor?> found) =>
        new($"{op}: expected {expected}; found {string.Join(", ", found.ToArray().Where(t => t is not null))}");
}
