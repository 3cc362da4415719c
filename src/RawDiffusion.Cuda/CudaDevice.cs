using RawDiffusion.Core;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

/// <summary>
/// An NVIDIA GPU, driven through the CUDA driver, NVRTC and cuBLAS; float32, its products optionally of factors rounded to TF32.
/// <para>
/// An op is two files: <c>kernels/group_norm.cu</c> with its kernels (which the build embeds and NVRTC compiles for the GPU at hand) and
/// <c>Ops/GroupNorm.cs</c>, a part of this class that overrides the op's methods of the contract. A kernel is looked up once, by file and name,
/// and launched with arguments that are checked against the compiled kernel's parameters:
/// <code>
/// private CudaKernel GroupNormForward => field ??= Kernel("group_norm", "group_norm_forward");
/// …
/// Launch(GroupNormForward, grid: (groups, n), block: 256, sharedBytes: 0, x, y, mean, rstd, positions, (float)eps);
/// </code>
/// Everything runs in one stream, in order, after the method that put it there has returned. Memory for one launch is rented with
/// <see cref="Rent"/> and may be given back as soon as the launch has been put in.
/// </para>
/// </summary>
public sealed partial class CudaDevice : Device
{
    /// <summary>The first GPUs with asynchronous copies and TF32.</summary>
    private const int LeastMajor = 8;

    private const int ThreadsOfBlock = 256;

    private readonly CudaContext _context;
    private readonly CudaStream _stream;
    private readonly StagingBuffer _staging;
    private readonly CudaModules _modules;
    private GraphRecording? _recording;
    private bool _disposed;

    /// <summary>Opens a GPU.</summary>
    /// <param name="options">Which, and how.</param>
    /// <exception cref="DeviceException">Driver, NVRTC or cuBLAS are missing, there is no such GPU, or it refuses.</exception>
    public CudaDevice(CudaOptions options)
    {
        (_graphs, Memory.Exact) = (options.Graphs, options.ExactMemory);
        string convolutions = options.Tf32 ? "conv2d_tf32" : ConvFile;
        (_conv, _convWeights) = (new(convolutions, convolutions + "_"), new(convolutions, convolutions + "_weights_"));
        _context = new CudaContext(options.Ordinal);
        try
        {
            if (Properties.Major < LeastMajor)
            {
                throw new DeviceException(
                    $"{Properties.Name} is of compute capability {Properties.Major}.{Properties.Minor}, but the kernels need {LeastMajor}.0 (Ampere) or later: use " +
                    "another GPU, or the CPU.");
            }
            _stream = new CudaStream(_context);
            _staging = new StagingBuffer(_context);
            _modules = new CudaModules(_context, new KernelCompiler(_context.Properties.Architecture, options.Cache));
            if (options.CompileAhead)
            {
                _modules.LoadAll();
            }
            Blas = new CudaBlas(this, _stream, options.Tf32);
        }
        catch
        {
            Dispose();
            throw;
        }
        _context.MakeRoom = MakeRoom;
    }

    /// <inheritdoc/>
    public override string Description => $"{Properties}, NVRTC {Compiler.Version}";

    /// <inheritdoc/>
    public override DType Real => DType.Float32;

    /// <summary>What the driver says of the GPU.</summary>
    public CudaProperties Properties => _context.Properties;

    /// <summary>The compiler behind the kernels, which knows what it had to compile.</summary>
    public KernelCompiler Compiler => _modules.Compiler;

    /// <summary>Whether an error that cannot be recovered from has ended the device: every call fails from then on.</summary>
    public bool IsLost => _context.LostBecause is not null;

    /// <summary>Matrix products.</summary>
    internal CudaBlas Blas { get; }

    /// <summary>The stream that everything runs in.</summary>
    internal CudaStream Stream => _stream;

    /// <summary>Free and total bytes of the GPU's memory, as the driver sees it: other programs' use counts.</summary>
    /// <exception cref="DeviceException">The device is lost.</exception>
    public (long Free, long Total) MemoryInfo() => _context.MemoryInfo();

    /// <inheritdoc/>
    /// <exception cref="DeviceException">The device is lost.</exception>
    public override long? FreeBytes => _context.MemoryInfo().Free;

    /// <summary>A quarter of the free memory.</summary>
    public override long DataSetBytes => _context.MemoryInfo().Free / 4;

    /// <inheritdoc/>
    public override void CopyFromHost(ReadOnlySpan<byte> source, nint target)
    {
        if (_recording is { } recording)
        {
            recording.Upload(source, target, _stream);
        }
        else
        {
            _staging.Upload(source, target, _stream);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">A graph is being recorded: nothing has a value yet.</exception>
    public override void CopyToHost(nint source, Span<byte> target)
    {
        ThrowIfRecording("a tensor was read");
        _staging.Download(source, target, _stream);
    }

    /// <inheritdoc/>
    public override void Copy(nint source, nint target, long bytes) => _stream.Copy(source, target, bytes);

    /// <inheritdoc/>
    public override void Fill(nint target, long bytes, byte value) => _stream.Fill(target, bytes, value);

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">A graph is being recorded: there is nothing to wait for.</exception>
    public override void Synchronize()
    {
        ThrowIfRecording("the device was waited for");
        _stream.Synchronize();
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        if (_disposed)
        {
            return;
        }
        _disposed = true;
        try
        {
            // Parts are missing where opening the device failed.
            Blas?.Dispose();
            base.Dispose();
        }
        catch (DeviceException) when (IsLost)
        {
            // An error that nobody had waited for: the context goes, and its memory with it.
        }
        _modules?.Dispose();
        _staging?.Dispose();
        _stream?.Dispose();
        _context.Dispose();
    }

    /// <inheritdoc/>
    protected override nint AllocateRaw(long bytes)
    {
        _context.Enter();
        var result = CudaDriver.cuMemAlloc(out nint address, (nuint)bytes);
        if (result == CuResult.OutOfMemory)
        {
            GiveUpRecordingForRoom();
            return 0;
        }
        _context.Check(result, $"cuMemAlloc({bytes} bytes)");
        return address;
    }

    /// <inheritdoc/>
    protected override void FreeRaw(nint address)
    {
        if (IsLost)
        {
            return;
        }
        try
        {
            _context.Enter();
            _context.Check(CudaDriver.cuMemFree(address), $"cuMemFree(0x{address:x})");
        }
        catch (DeviceException) when (IsLost)
        {
            // An error of earlier work, which the next call that is no clearing up will report.
        }
    }

    /// <summary>A kernel of a file in <c>kernels</c>, compiled and loaded if need be.</summary>
    private CudaKernel Kernel(string file, string name) => _modules[file][name];

    /// <summary>Puts a launch into the stream.</summary>
    private void Launch(CudaKernel kernel, Dim3 grid, Dim3 block, int sharedBytes, params ReadOnlySpan<KernelArgument> arguments) =>
        kernel.Launch(_stream, grid, block, sharedBytes, arguments);

    /// <summary>Puts a launch into the stream in which each thread does a fixed number of elements.</summary>
    /// <param name="kernel">What to launch.</param>
    /// <param name="count">Elements.</param>
    /// <param name="perThread">Elements that one thread does.</param>
    /// <param name="arguments">The kernel's arguments, in order.</param>
    private void LaunchOver(CudaKernel kernel, long count, int perThread, params ReadOnlySpan<KernelArgument> arguments) =>
        kernel.Launch(_stream, BlocksFor(kernel.Name, count, perThread), ThreadsOfBlock, 0, arguments);

    /// <summary>The blocks that have a thread for so many elements each.</summary>
    /// <exception cref="DeviceException">More threads than fit into the 32 bits in which many kernels number them.</exception>
    internal static int BlocksFor(string kernel, long count, int perThread)
    {
        long threads = CeilingDivide(count, perThread);
        return threads <= uint.MaxValue
            ? (int)CeilingDivide(threads, ThreadsOfBlock)
            : throw new DeviceException($"A tensor is too large for {kernel}: {threads} threads, but they are numbered in 32 bits. Use a smaller batch or smaller images.");
    }

    /// <summary>Memory for one launch or a few.</summary>
    private Scratch Rent(long bytes, string owner) => new(Memory, bytes, owner);

    private static long CeilingDivide(long a, long b) => (a + b - 1) / b;

    private void ThrowIfRecording(string what)
    {
        if (_recording is not null)
        {
            throw new InvalidOperationException($"While a CUDA graph was recorded, {what}: what a graph records runs only when it is launched, so do that before or after.");
        }
    }
}
