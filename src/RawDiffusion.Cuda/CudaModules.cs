using System.Collections.Concurrent;

namespace RawDiffusion.Cuda;

/// <summary>The kernel files, each compiled and loaded when it is first asked for or all at once.</summary>
internal sealed class CudaModules(CudaContext context, KernelCompiler compiler) : IDisposable
{
    private readonly ConcurrentDictionary<string, Lazy<CudaModule>> _modules = new();

    /// <summary>The compiler.</summary>
    public KernelCompiler Compiler { get; } = compiler;

    /// <summary>A file by its name without ending.</summary>
    public CudaModule this[string file] => _modules.GetOrAdd(file, name => new Lazy<CudaModule>(() => new CudaModule(context, Compiler.Compile(KernelSources.Get(name))))).Value;

    /// <summary>Compiles every file, in parallel, and loads it.</summary>
    public void LoadAll()
    {
        foreach (var compiled in Compiler.CompileAll())
        {
            _ = _modules.GetOrAdd(compiled.Name, _ => new Lazy<CudaModule>(() => new CudaModule(context, compiled))).Value;
        }
    }

    public void Dispose()
    {
        foreach (var module in _modules.Values.Where(m => m.IsValueCreated))
        {
            module.Value.Dispose();
        }
    }
}
