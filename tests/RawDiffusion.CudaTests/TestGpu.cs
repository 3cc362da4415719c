using System.Reflection;
using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;

[assembly: Xunit.v3.Parallelization(Mode = Xunit.Sdk.ParallelMode.None)]

namespace RawDiffusion.CudaTests;

/// <summary>
/// The GPU under test, opened for one test, which must leave nothing behind. It is the emulated one, which also takes orders, counts launches and
/// catches faults; or, with <c>RAWDIFFUSION_TEST_GPU=1</c>, the machine's own, on which tests skip that need any of this.
/// </summary>
internal sealed class TestGpu : IDisposable
{
    private static readonly bool IsEmulated = Environment.GetEnvironmentVariable("RAWDIFFUSION_TEST_GPU") != "1";

    /// <summary>How tests open it.</summary>
    public static CudaOptions Options { get; } = new() { Cache = IsEmulated ? EmulatedDriver.Cache : KernelCache.Default(), CompileAhead = false };

    // Or else the real driver would make and end its context, which takes it a while, for each of some thousand tests.
    private static readonly Lazy<CudaDevice> KeptOpen = new(() => new CudaDevice(Options));

    private readonly Dictionary<string, CudaModule> _modules = [];
    private readonly List<Tensor> _tensors = [];

    private TestGpu(CudaOptions options) => Device = new CudaDevice(options);

    /// <summary>The configuration for the cases of every device.</summary>
    public static DeviceUnderTest Float32 { get; } = new("CUDA", () => new CudaDevice(Options with { ExactMemory = true }), Precision.Float32);

    /// <summary>The same with products by the tensor cores.</summary>
    public static DeviceUnderTest Tf32 { get; } = new("CUDA, TF32", () => new CudaDevice(Options with { ExactMemory = true, Tf32 = true }), Precision.Reduced);

    public CudaDevice Device { get; }

    public CudaStream Stream => Device.Stream;

    /// <summary>Opens the GPU; the emulated driver starts afresh.</summary>
    public static TestGpu Open(bool exact = true)
    {
        Require();
        return new TestGpu(Options with { ExactMemory = exact });
    }

    /// <summary>Opens the emulated GPU or skips the test.</summary>
    public static TestGpu OpenEmulated(KernelCache? cache = null, bool exact = true, int? driverVersion = null)
    {
        RequireEmulated();
        if (driverVersion is { } version)
        {
            EmulatedDriver.SetDriverVersion(version);
        }
        return new TestGpu(Options with { Cache = cache ?? Options.Cache, ExactMemory = exact });
    }

    /// <summary>Starts the emulated driver afresh, or skips the test where there can be none; on the machine's GPU, fails where that cannot be used.</summary>
    public static void Require()
    {
        if (IsEmulated)
        {
            RequireEmulated();
        }
        else
        {
            _ = KeptOpen.Value;
        }
    }

    /// <summary>Starts the emulated driver afresh, or skips the test.</summary>
    public static void RequireEmulated()
    {
        Assert.SkipUnless(IsEmulated, "RAWDIFFUSION_TEST_GPU=1 asks for the machine's own GPU, and this test is about the emulated one");
        Assert.SkipWhen(EmulatedDriver.ReasonToSkip.Length > 0, EmulatedDriver.ReasonToSkip);
        EmulatedDriver.Start();
    }

    /// <summary>Has blocks and threads run in another order, where that can be ordered.</summary>
    public static void ShuffleAgain()
    {
        if (IsEmulated)
        {
            EmulatedDriver.SetSeed(2);
        }
    }

    /// <summary>The last device that was disposed left nothing behind, as far as can be told.</summary>
    public static void AssertNothingLeft() => Assert.Equal("", IsEmulated ? EmulatedDriver.Leaks() : "");

    /// <summary>Blocks of memory that the driver has given; null where it does not tell.</summary>
    public static long? DriversAllocations() => IsEmulated ? EmulatedDriver.LiveAllocations() : null;

    /// <summary>How often a kernel, or any, has run; null where nobody counts.</summary>
    public static long? Launches(string? kernel = null) => IsEmulated ? EmulatedDriver.Launches(kernel) : null;

    /// <summary>One of the kernel files of this project.</summary>
    public static KernelSource Source(string file)
    {
        using var reader = new StreamReader(Assembly.GetExecutingAssembly().GetManifestResourceStream(file + ".cu")!);
        return new KernelSource(file, reader.ReadToEnd(), KernelSources.All[0].Headers);
    }

    /// <summary>A kernel of the file <c>emulator_checks</c> or another of this project's.</summary>
    public CudaKernel Kernel(string name, string file = "emulator_checks")
    {
        if (!_modules.TryGetValue(file, out var module))
        {
            _modules[file] = module = new CudaModule(Stream.Context, Device.Compiler.Compile(Source(file)));
        }
        return module[name];
    }

    public Tensor Upload(params float[] values) => Make(DType.Float32, values.Length).Upload(values);

    public Tensor Make(int count) => Make(DType.Float32, count);

    public Tensor Make(DType type, int count)
    {
        var tensor = new Tensor(Device, new Shape(count), type);
        _tensors.Add(tensor);
        return tensor;
    }

    /// <summary>Launches a kernel of <c>emulator_checks</c> and waits; the message of the failure that must come.</summary>
    public string Failure(string kernel, Dim3 grid, Dim3 block, int sharedBytes, params ReadOnlySpan<KernelArgument> arguments)
    {
        Kernel(kernel).Launch(Stream, grid, block, sharedBytes, arguments);
        var failure = Assert.Throws<DeviceException>(Device.Synchronize);
        Assert.True(Device.IsLost);
        Assert.Contains($"kernel {kernel}, block", failure.Message);
        return failure.Message;
    }

    public void Dispose()
    {
        _tensors.ForEach(t => t.Dispose());
        foreach (var module in _modules.Values)
        {
            module.Dispose();
        }
        bool lost = Device.IsLost;
        Device.Dispose();
        if (IsEmulated)
        {
            Assert.Equal(0, EmulatedDriver.Contexts());
            Assert.True(lost || EmulatedDriver.Leaks() is "", EmulatedDriver.Leaks());
        }
    }
}
