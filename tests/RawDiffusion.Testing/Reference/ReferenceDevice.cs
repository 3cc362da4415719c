using System.Runtime.InteropServices;
using RawDiffusion.Core;

namespace RawDiffusion.Testing;

/// <summary>
/// The device that defines each op: plain loops in double precision on one thread, with no regard for speed. Finite differences check
/// it, and every other device is checked against it. Not sealed, so that tests of the conformance suite can break an op on purpose.
/// </summary>
public unsafe partial class ReferenceDevice : Device
{
    private const int Alignment = 64;

    /// <inheritdoc/>
    public override string Description => "reference, double precision";

    /// <inheritdoc/>
    public override DType Real => DType.Float64;

    /// <inheritdoc/>
    protected override nint AllocateRaw(long bytes) => (nint)NativeMemory.AlignedAlloc((nuint)bytes, Alignment);

    /// <inheritdoc/>
    protected override void FreeRaw(nint address) => NativeMemory.AlignedFree((void*)address);

    /// <inheritdoc/>
    public override void CopyFromHost(ReadOnlySpan<byte> source, nint target) => source.CopyTo(new Span<byte>((void*)target, source.Length));

    /// <inheritdoc/>
    public override void CopyToHost(nint source, Span<byte> target) => new ReadOnlySpan<byte>((void*)source, target.Length).CopyTo(target);

    /// <inheritdoc/>
    public override void Copy(nint source, nint target, long bytes) => Buffer.MemoryCopy((void*)source, (void*)target, bytes, bytes);

    /// <inheritdoc/>
    public override void Fill(nint target, long bytes, byte value) => NativeMemory.Fill((void*)target, (nuint)bytes, value);

    /// <inheritdoc/>
    public override void Synchronize()
    {
    }

    /// <summary>The elements of a tensor of real numbers.</summary>
    protected static Span<double> Reals(Tensor tensor) => Elements<double>(tensor, DType.Float64);

    /// <summary>The elements of a tensor of real numbers; none if there is no tensor.</summary>
    protected static Span<double> RealsOrNone(Tensor? tensor) => tensor is null ? [] : Reals(tensor);

    private static Span<T> Elements<T>(Tensor tensor, DType type) where T : unmanaged =>
        tensor.DType == type
            ? new Span<T>((void*)tensor.Address, checked((int)tensor.Shape.Count))
            : throw new ArgumentException($"{tensor} was given to the reference device where it expects {type}");

    /// <summary>A gradient's elements, to which everything is added: zeros unless there is a sum to go on from; none if nobody wants it.</summary>
    private static Span<double> Start(Sink sink)
    {
        var gradients = RealsOrNone(sink.Tensor);
        if (!sink.Accumulate)
        {
            gradients.Clear();
        }
        return gradients;
    }

    /// <summary>Adds to an element of a gradient that is wanted.</summary>
    private static void AddTo(Span<double> gradients, int index, double value)
    {
        if (!gradients.IsEmpty)
        {
            gradients[index] += value;
        }
    }

    private static double Sigmoid(double x) => 1 / (1 + Math.Exp(-x));
}
