using RawDiffusion.Core;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

/// <summary>A compiled kernel, ready to be launched. It lives as long as its module does.</summary>
internal sealed unsafe class CudaKernel
{
    /// <summary>Shared memory of a block beyond this, static and dynamic, must be allowed for each kernel.</summary>
    private const int SharedBytesAlwaysAllowed = 48 * 1024;

    private const int MostBlocksAcross = 65535;

    private readonly CudaContext _context;
    private readonly nint _function;
    private readonly int[]? _parameterSizes;
    private int _sharedBytesAllowed;

    internal CudaKernel(CudaContext context, nint function, string name)
    {
        (_context, _function, Name) = (context, function, name);
        _parameterSizes = ReadParameterSizes(function);
        _context.Enter();
        _context.Check(CudaDriver.cuFuncGetAttribute(out int staticBytes, CuFunctionAttribute.SharedSizeBytes, function), $"cuFuncGetAttribute({name}, SharedSizeBytes)");
        _sharedBytesAllowed = SharedBytesAlwaysAllowed - staticBytes;
    }

    /// <summary>The name in the source.</summary>
    public string Name { get; }

    /// <summary>Puts a launch into a stream.</summary>
    /// <param name="stream">Where.</param>
    /// <param name="grid">Blocks.</param>
    /// <param name="block">Threads of a block.</param>
    /// <param name="sharedBytes">Dynamic shared memory of a block.</param>
    /// <param name="arguments">The kernel's arguments, in order.</param>
    /// <exception cref="ArgumentException">The arguments are not as many or not as large as the kernel's parameters.</exception>
    /// <exception cref="DeviceException">The grid is too large, the driver refuses, or the device is lost.</exception>
    public void Launch(CudaStream stream, Dim3 grid, Dim3 block, int sharedBytes, params ReadOnlySpan<KernelArgument> arguments)
    {
        CheckArguments(arguments);
        if (grid.Y > MostBlocksAcross || grid.Z > MostBlocksAcross)
        {
            throw new DeviceException($"{Name} would need a grid of {grid} blocks, but CUDA takes no more than {MostBlocksAcross} in the second and third direction. " +
                "Use a smaller batch.");
        }
        _context.Enter();
        AllowShared(sharedBytes);
        stream.Trace?.Begin(Name);
        nint* pointers = stackalloc nint[arguments.Length];
        fixed (KernelArgument* first = arguments)
        {
            for (int i = 0; i < arguments.Length; i++)
            {
                pointers[i] = KernelArgument.AddressOf(first + i);
            }
            _context.Check(
                CudaDriver.cuLaunchKernel(_function, (uint)grid.X, (uint)grid.Y, (uint)grid.Z, (uint)block.X, (uint)block.Y, (uint)block.Z, (uint)sharedBytes,
                    stream.Value, pointers, null),
                $"cuLaunchKernel({Name}, grid {grid}, block {block}, {sharedBytes} shared bytes)");
        }
    }

    /// <inheritdoc/>
    public override string ToString() => Name;

    // Beyond 48 KiB a kernel must opt in, once for the largest it will ask for.
    private void AllowShared(int bytes)
    {
        if (bytes > _sharedBytesAllowed)
        {
            _context.Check(CudaDriver.cuFuncSetAttribute(_function, CuFunctionAttribute.MaxDynamicSharedSizeBytes, bytes), $"cuFuncSetAttribute({Name}, {bytes} shared bytes)");
            _sharedBytesAllowed = bytes;
        }
    }

    private void CheckArguments(ReadOnlySpan<KernelArgument> arguments)
    {
        if (_parameterSizes is null)
        {
            return;
        }
        if (arguments.Length != _parameterSizes.Length)
        {
            throw new ArgumentException($"the kernel {Name} takes {_parameterSizes.Length} arguments, but {arguments.Length} were given");
        }
        for (int i = 0; i < arguments.Length; i++)
        {
            if (arguments[i].Size != _parameterSizes[i])
            {
                throw new ArgumentException($"argument {i} of the kernel {Name} has {_parameterSizes[i]} bytes, but one of {arguments[i].Size} bytes was given");
            }
        }
    }

    // A driver before CUDA 12.4 cannot say, and a later one only if the kernel's code has a table of its parameters: the check is then left out.
    // The error that ends the list is also that of a kernel without parameters, of which there is none here.
    private static int[]? ReadParameterSizes(nint function)
    {
        var sizes = new List<int>();
        try
        {
            CuResult result;
            while ((result = CudaDriver.cuFuncGetParamInfo(function, (nuint)sizes.Count, out _, out nuint size)) == CuResult.Success)
            {
                sizes.Add((int)size);
            }
            return result == CuResult.InvalidValue && sizes.Count > 0 ? [.. sizes] : null;
        }
        catch (EntryPointNotFoundException)
        {
            return null;
        }
    }
}
