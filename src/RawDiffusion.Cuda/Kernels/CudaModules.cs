namespace RawDiffusion.Cuda;

/// <summary>The kernel files, each compiled and loaded when it is first asked for or all at once.</summary>
internal sealed class CudaModules(CudaContext context, KernelCompiler compiler) : IDisposable
{
    private readonly Dictionary<string, CudaModule> _modules = [];

    /// <summary>The compiler.</summary>
    public KernelCompiler Compiler { get; } = compiler;

    /// <summary>A file by its name without ending.</summary>
    public CudaModule this[string file] => _modules.TryGetValue(file, out var module) ? module
        : _modules[file] = new CudaModule(context, Compiler.Compile(KernelSources.Get(file)));

    /// <summary>
    /// Compiles every file, in parallel, and loads it with all its kernels: the driver brings a kernel to the GPU when it is first looked up,
    /// which is then not while a graph is recorded.
    /// </summary>
    public void LoadAll()
    {
        foreach (var compiled in Compiler.CompileAll())
        {
            var module = _modules.TryGetValue(compiled.Name, out var loaded) ? loaded : _modules[compiled.Name] = new CudaModule(context, compiled);
            foreach (string kernel in compiled.Kernels())
            {
                _ = module[kernel];
            }
        }
    }

    public void Dispose()
    {
        foreach (var module in _modules.Values)
        {
            module.Dispose();
        }
    }
}
