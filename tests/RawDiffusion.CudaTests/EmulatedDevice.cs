using System.Reflection;
using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;

[assembly: CollectionBehavior(DisableTestParallelization = true)]

namespace RawDiffusion.CudaTests;

/// <summary>A CUDA device on the emulated driver, which must leave nothing behind.</summary>
internal sealed class EmulatedDevice : IDisposable
{
    private readonly Dictionary<string, CudaModule> _modules = [];
    private readonly List<Tensor> _tensors = [];

    private EmulatedDevice(CudaOptions options) => Device = new CudaDevice(options);

    public CudaDevice Device { get; }

    public CudaStream Stream => Device.Stream;

    /// <summary>Starts the emulated driver afresh, or skips the test where there can be none.</summary>
    public static EmulatedDevice Open(KernelCache? cache = null, bool exact = true)
    {
        Require();
        return new EmulatedDevice(new CudaOptions { Cache = cache ?? EmulatedDriver.Cache, CompileAhead = false, ExactMemory = exact });
    }

    public static void Require()
    {
        Assert.SkipWhen(EmulatedDriver.ReasonToSkip.Length > 0, EmulatedDriver.ReasonToSkip);
        EmulatedDriver.Start();
    }

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
        Assert.Equal(0, EmulatedDriver.Contexts());
        Assert.True(lost || EmulatedDriver.Leaks() is "", EmulatedDriver.Leaks());
    }
}
