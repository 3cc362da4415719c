using RawDiffusion.Cuda;

namespace RawDiffusion.CudaTests;

/// <summary>
/// The CUDA device with the ops that have no kernels yet left out. An op that gets its kernels is sealed in <see cref="CudaDevice"/> and has
/// to be struck off here; when none is left, this class goes and <see cref="CudaDevice"/> becomes a sealed class.
/// </summary>
internal sealed class PartialCudaDevice(CudaOptions options) : CudaDevice(options);
