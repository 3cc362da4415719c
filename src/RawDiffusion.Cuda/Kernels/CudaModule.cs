using System.Collections.Concurrent;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

/// <summary>A compiled source file, loaded: where kernels are looked up by name.</summary>
internal sealed unsafe class CudaModule : IDisposable
{
    private readonly CudaContext _context;
    private readonly DriverHandle _handle;
    private readonly ConcurrentDictionary<string, CudaKernel> _kernels = new();

    public CudaModule(CudaContext context, CompiledKernels compiled)
    {
        (_context, Name) = (context, compiled.Name);
        context.Enter();
        fixed (byte* image = compiled.Image)
        {
            var result = CudaDriver.cuModuleLoadData(out nint module, image);
            if (context.MadeRoom(result))
            {
                result = CudaDriver.cuModuleLoadData(out module, image);
            }
            context.Check(result, $"cuModuleLoadData({compiled.Name}, {compiled.Image.Length} bytes for {compiled.Architecture})");
            _handle = context.Own(module, m => CudaDriver.cuModuleUnload(m));
        }
    }

    /// <summary>The source file's name without its ending.</summary>
    public string Name { get; }

    /// <summary>A kernel of this file.</summary>
    public CudaKernel this[string kernel] => _kernels.GetOrAdd(kernel, name =>
    {
        _context.Enter();
        _context.Check(CudaDriver.cuModuleGetFunction(out nint function, _handle.Value, name), $"cuModuleGetFunction({Name}, {name})");
        return new CudaKernel(_context, function, name);
    });

    public void Dispose() => _handle.Dispose();
}
