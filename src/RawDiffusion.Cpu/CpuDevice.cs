using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

/// <summary>
/// The processor as a device: float32, every op on all workers, with results that are the same to the last bit for any number of them.
/// Loops are written once over 16 lanes (<see cref="Vector512{T}"/>), which the JIT splits where the processor's vectors are shorter.
/// </summary>
public sealed unsafe partial class CpuDevice : Device
{
    // Copies and fills shorter than this do not repay waking a second thread.
    private const long CopyChunk = 1 << 20;

    private readonly ThreadTeam _workers;
    private readonly Gemm _gemm;
    private readonly Convolution _convolution;

    /// <summary>A device with its own threads.</summary>
    /// <param name="threads">How many threads compute, the caller's included; 0 for one per logical processor.</param>
    /// <param name="instructions">The vector instructions of matrix products and convolutions; the processor's widest where null.</param>
    /// <exception cref="ArgumentOutOfRangeException">A negative number of threads.</exception>
    /// <exception cref="DeviceException">The processor lacks these instructions.</exception>
    public CpuDevice(int threads = 0, InstructionSet? instructions = null)
    {
        var set = instructions ?? KernelSet.Best;
        _workers = new ThreadTeam(threads);
        (_gemm, _convolution) = (new Gemm(_workers, set), new Convolution(_workers, set));
        Description = $"CPU, {_workers.Count} thread{(_workers.Count == 1 ? "" : "s")}, {Name(set)}";
    }

    /// <inheritdoc/>
    public override string Description { get; }

    /// <inheritdoc/>
    public override DType Real => DType.Float32;

    /// <summary>Bytes of weights in the kernels' order, beside <see cref="Device.Memory"/>: copies that go with the weights they were made from.</summary>
    public long PackedBytes => _convolution.PackedBytes + _gemm.PackedBytes;

    /// <summary>Bytes of the threads' scratch, beside <see cref="Device.Memory"/>: it stays, and grows with the largest op so far.</summary>
    public long ScratchBytes => _workers.ScratchBytes;

    /// <inheritdoc/>
    public override void CopyFromHost(ReadOnlySpan<byte> source, nint target)
    {
        fixed (byte* from = source)
        {
            Copy((nint)from, target, source.Length);
        }
    }

    /// <inheritdoc/>
    public override void CopyToHost(nint source, Span<byte> target)
    {
        fixed (byte* to = target)
        {
            Copy(source, (nint)to, target.Length);
        }
    }

    /// <inheritdoc/>
    public override void Copy(nint source, nint target, long bytes) => InChunks(bytes, CopyChunk, (offset, count) =>
        Buffer.MemoryCopy((byte*)source + offset, (byte*)target + offset, count, count));

    /// <inheritdoc/>
    public override void Fill(nint target, long bytes, byte value) => InChunks(bytes, CopyChunk, (offset, count) =>
        NativeMemory.Fill((byte*)target + offset, (nuint)count, value));

    /// <inheritdoc/>
    public override void Synchronize()
    {
        // Every op has finished when its method returns.
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        base.Dispose();
        _convolution.Dispose();
        _gemm.Dispose();
        _workers.Dispose();
    }

    /// <inheritdoc/>
    protected override nint AllocateRaw(long bytes)
    {
        try
        {
            return (nint)NativePages.Allocate(bytes);
        }
        catch (OutOfMemoryException)
        {
            return 0;
        }
    }

    /// <inheritdoc/>
    protected override void FreeRaw(nint address) => NativePages.Free((void*)address);

    /// <inheritdoc/>
    protected override void OnFreed(nint address)
    {
        _convolution.Forget(address);
        _gemm.Forget(address);
    }

    private static string Name(InstructionSet set) => set switch
    {
        InstructionSet.Vector512 => "AVX-512",
        InstructionSet.Vector256 => "AVX2",
        _ => "128-bit vectors",
    };

    private static float* Floats(Tensor tensor) => (float*)tensor.Address;

    private static float* FloatsOrNull(Tensor? tensor) => tensor is null ? null : Floats(tensor);

    /// <summary>Splits [0, count) into pieces of <paramref name="chunk"/> and calls <paramref name="body"/>(offset, length) for each, on all workers.</summary>
    private void InChunks(long count, long chunk, Action<long, long> body) =>
        _workers.Run((int)((count + chunk - 1) / chunk), (task, _) => body(task * chunk, Math.Min(chunk, count - task * chunk)));
}
