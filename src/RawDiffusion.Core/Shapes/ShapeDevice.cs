using System.Runtime.CompilerServices;

namespace RawDiffusion.Core;

/// <summary>
/// A device without memory: addresses are invented, ops do nothing but note that they were called, copies to the host bring zeros. Real forward and
/// backward passes, training steps and samplers run on it within milliseconds, and leave the exact peak of their tensors
/// (<see cref="BufferPool.PeakBytes"/>), and the list of their ops with shapes, operations and bytes (<see cref="Calls"/>). Each op has its part of
/// this class on its own page below <c>Ops/</c>.
/// </summary>
public sealed partial class ShapeDevice : Device
{
    private const long FirstAddress = 1 << 20, Page = 1 << 12;

    private readonly Device? _like;
    private readonly Rehearsal _rehearsal;
    private readonly List<OpCall> _calls = [];
    private long _nextAddress = FirstAddress;

    /// <summary>A device with an empty pool.</summary>
    /// <param name="like">The device whose own needs are added (<see cref="Device.Rehearse"/>); it is asked only, and does nothing. None if null.</param>
    public ShapeDevice(Device? like = null)
    {
        _like = like;
        Memory.Exact = like?.Memory.Exact ?? false;
        _rehearsal = new Rehearsal(Memory);
        like?.RehearseOpening(_rehearsal);
    }

    /// <inheritdoc/>
    public override string Description => _like is null ? "shapes without memory" : $"shapes without memory, as on {_like.Description}";

    /// <inheritdoc/>
    public override DType Real => _like?.Real ?? DType.Float32;

    /// <inheritdoc/>
    public override long DataSetBytes => _like?.DataSetBytes ?? 0;

    /// <summary>Every call so far, in order; of recorded work, those of its first two launches.</summary>
    public IReadOnlyList<OpCall> Calls => _calls;

    /// <summary>What the other device would hold of its own beside its pool.</summary>
    public long HeldBytes => _rehearsal.HeldBytes;

    /// <summary>What the other device would hold beside its pool for one purpose.</summary>
    /// <typeparam name="T">The purpose: a type of that device's keys.</typeparam>
    public long HeldBy<T>() => _rehearsal.HeldBy<T>();

    /// <summary>Forgets the calls so far; the memory stays.</summary>
    public void ForgetCalls() => _calls.Clear();

    /// <inheritdoc/>
    public override Recording Record(Action work) => new RehearsedRecording(Memory, _like?.ReplaysRecordings ?? false, work);

    /// <inheritdoc/>
    public override void CopyFromHost(ReadOnlySpan<byte> source, nint target)
    {
    }

    /// <inheritdoc/>
    public override void CopyToHost(nint source, Span<byte> target) => target.Clear();

    /// <inheritdoc/>
    public override void Copy(nint source, nint target, long bytes)
    {
    }

    /// <inheritdoc/>
    public override void Fill(nint target, long bytes, byte value)
    {
    }

    /// <inheritdoc/>
    public override void Synchronize()
    {
    }

    /// <inheritdoc/>
    protected override nint AllocateRaw(long bytes)
    {
        nint address = (nint)_nextAddress;
        _nextAddress += (bytes + Page - 1) / Page * Page;
        return address;
    }

    /// <inheritdoc/>
    protected override void FreeRaw(nint address)
    {
    }

    private void Note(string op, ReadOnlySpan<Operand?> operands, string what, Action<Device, StandIns> run, long flops = 0, object? settings = null)
    {
        var given = new List<Operand>(operands.Length);
        foreach (var operand in operands)
        {
            if (operand is { } there)
            {
                given.Add(there);
            }
        }
        var call = new OpCall(op, [.. given], what, flops, settings, run);
        _calls.Add(call);
        _like?.Rehearse(call, _rehearsal);
    }

    /// <summary>An input, all of which is read unless it is said how much.</summary>
    private static Operand? Read(Tensor? tensor, long? bytes = null, [CallerArgumentExpression(nameof(tensor))] string name = "") =>
        Operand(tensor, Access.Read, bytes, name);

    /// <summary>An output.</summary>
    private static Operand? Write(Tensor? tensor, [CallerArgumentExpression(nameof(tensor))] string name = "") => Operand(tensor, Access.Write, null, name);

    /// <summary>What is changed in place.</summary>
    private static Operand? Update(Tensor? tensor, [CallerArgumentExpression(nameof(tensor))] string name = "") => Operand(tensor, Access.Update, null, name);

    /// <summary>A gradient.</summary>
    private static Operand? Into(Sink sink, [CallerArgumentExpression(nameof(sink))] string name = "") =>
        Operand(sink.Tensor, sink.Accumulate ? Access.Update : Access.Write, null, name);

    private static Operand? Operand(Tensor? tensor, Access access, long? bytes, string name) => tensor is null
        ? null
        : new Operand(name, tensor.Shape, tensor.DType, access, (bytes ?? tensor.Bytes) * (access == Access.Update ? 2 : 1), tensor.Address);
}
