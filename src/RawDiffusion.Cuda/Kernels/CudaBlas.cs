using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using RawDiffusion.Core;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

/// <summary>
/// Matrix products of row-major float32 matrices through cuBLAS, in the device's stream. The workspace is fixed, so that a product's
/// bits depend on nothing but its factors, also inside a graph.
/// </summary>
internal sealed unsafe class CudaBlas : IDisposable
{
    private readonly Device _device;
    private readonly CudaContext _context;
    private readonly CudaStream _stream;
    private readonly DriverHandle _handle;
    private readonly nint _workspace;
    private readonly CublasComputeType _compute;

    public CudaBlas(Device device, CudaStream stream, bool tf32)
    {
        NativeLibraries.Require(NativeLibraries.CublasName);
        (_device, _context, _stream) = (device, stream.Context, stream);
        // Only the type or the mode that bears its name lets cuBLAS round factors to TF32: type Float32 in default mode promises no fewer bits of
        // mantissa than float32's in factors and sums. The pedantic type and mode promise no more of that: they are for numerical studies, keep to
        // one way of adding up, and NVIDIA documents that they may be slower.
        _compute = tf32 ? CublasComputeType.Float32FastTf32 : CublasComputeType.Float32;
        _context.Enter();
        Check(Cublas.cublasCreate(out nint handle), $"cublasCreate");
        _handle = _context.Own(handle, h => Cublas.cublasDestroy(h));
        try
        {
            // NVIDIA recommends 4 MiB, and 32 MiB for Hopper: a thousandth of the GPU's memory keeps to that.
            WorkspaceBytes = Math.Clamp(_context.Properties.MemoryBytes >> 10, 4 << 20, 32 << 20);
            _workspace = device.Memory.Rent(WorkspaceBytes, "the cuBLAS workspace");
            // In this order: setting the stream takes the workspace away again.
            Check(Cublas.cublasSetStream(handle, stream.Value), $"cublasSetStream");
            Check(Cublas.cublasSetWorkspace(handle, _workspace, (nuint)WorkspaceBytes), $"cublasSetWorkspace({WorkspaceBytes} bytes)");
            Check(Cublas.cublasSetMathMode(handle, tf32 ? CublasMath.Tf32 : CublasMath.Default), $"cublasSetMathMode");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Bytes of the workspace, which is rented as long as the device is open.</summary>
    public long WorkspaceBytes { get; }

    /// <summary>c = alpha·op(a)·op(b) + beta·c, with op(a) [m, k], op(b) [k, n], c [m, n].</summary>
    /// <param name="transposeA">Whether a is stored as [k, m].</param>
    /// <param name="transposeB">Whether b is stored as [n, k].</param>
    /// <param name="m">Rows of c.</param>
    /// <param name="n">Columns of c.</param>
    /// <param name="k">The summed extent.</param>
    /// <param name="alpha">Factor of the product.</param>
    /// <param name="a">Address of a.</param>
    /// <param name="strideA">Elements from one stored row of a to the next.</param>
    /// <param name="b">Address of b.</param>
    /// <param name="strideB">Elements from one stored row of b to the next.</param>
    /// <param name="beta">Factor of what c holds; with 0 it is not read.</param>
    /// <param name="c">Address of c.</param>
    /// <param name="strideC">Elements from one row of c to the next.</param>
    public void Multiply(bool transposeA, bool transposeB, int m, int n, int k, float alpha, nint a, int strideA, nint b, int strideB, float beta, nint c, int strideC)
    {
        // Row-major c is column-major cᵀ = op(b)ᵀ·op(a)ᵀ: the factors change places, and a stored row is a stored column.
        _context.Enter();
        _stream.Trace?.Begin("cublasGemmEx");
        Check(
            Cublas.cublasGemmEx(
                _handle.Value, Operation(transposeB), Operation(transposeA), n, m, k, &alpha, b, CudaDataType.Float32, strideB, a, CudaDataType.Float32, strideA,
                &beta, c, CudaDataType.Float32, strideC, _compute, CublasAlgorithm.Default),
            $"cublasGemmEx(m {m}, n {n}, k {k}, transposed {transposeA} {transposeB}, strides {strideA} {strideB} {strideC})");
    }

    /// <summary>As many products of the same extents: matrix i of a begins stepA·i elements after the first, and so on.</summary>
    public void MultiplyBatch(
        bool transposeA, bool transposeB, int m, int n, int k, float alpha, nint a, int strideA, long stepA, nint b, int strideB, long stepB,
        float beta, nint c, int strideC, long stepC, int batches)
    {
        _context.Enter();
        _stream.Trace?.Begin("cublasGemmStridedBatchedEx");
        Check(
            Cublas.cublasGemmStridedBatchedEx(
                _handle.Value, Operation(transposeB), Operation(transposeA), n, m, k, &alpha, b, CudaDataType.Float32, strideB, stepB, a, CudaDataType.Float32, strideA, stepA,
                &beta, c, CudaDataType.Float32, strideC, stepC, batches, _compute, CublasAlgorithm.Default),
            $"cublasGemmStridedBatchedEx({batches} of m {m}, n {n}, k {k}, transposed {transposeA} {transposeB}, strides {strideA} {strideB} {strideC}, steps {stepA} " +
            $"{stepB} {stepC})");
    }

    public void Dispose()
    {
        _handle.Dispose();
        if (_workspace != 0)
        {
            _device.Memory.Return(_workspace, WorkspaceBytes);
        }
    }

    private static CublasOperation Operation(bool transpose) => transpose ? CublasOperation.Transpose : CublasOperation.None;

    private void Check(CublasStatus status, [InterpolatedStringHandlerArgument(nameof(status))] CallText call)
    {
        if (status == CublasStatus.Success)
        {
            return;
        }
        // cuBLAS fails, too, once an earlier kernel has: then the driver says which error that was, and the device is lost.
        _context.MemoryInfo();
        string name = Marshal.PtrToStringUTF8((nint)Cublas.cublasGetStatusName(status))!, meaning = Marshal.PtrToStringUTF8((nint)Cublas.cublasGetStatusString(status))!;
        throw new DeviceException($"{call.ToString()} failed: {name} ({meaning}). " + status switch
        {
            not CublasStatus.InvalidValue when _context.CannotLoadNow => _context.LoadingRemedy,
            CublasStatus.AllocationFailed => CuResult.OutOfMemory.Remedy(),
            CublasStatus.NotInitialized =>
                $"The driver, for CUDA {_context.Properties.CudaVersion}, may be too old for this cuBLAS, which is {NativeLibraries.Find(NativeLibraries.CublasName).Found}.",
            _ => "This is an error in RawDiffusion: please report it.",
        });
    }
}
