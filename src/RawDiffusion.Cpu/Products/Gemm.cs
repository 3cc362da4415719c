using RawDiffusion.Core;

namespace RawDiffusion.Cpu;

/// <summary>
/// Matrix products in float32 on the register tiles of the convolution. Results have the same bits for any number of workers, and, unless A is transposed and B is not,
/// a row of C depends on nothing but its row of A and on B. Not safe for calls from two threads at a time.
/// </summary>
public sealed unsafe class Gemm : IDisposable
{
    private readonly ThreadTeam _workers;
    private readonly KernelSet _kernels;
    private readonly PackedWeights _packed;

    /// <summary>Prepares matrix products on <paramref name="workers"/>.</summary>
    /// <param name="workers">The threads that share the work; not owned.</param>
    /// <param name="instructions">The instructions to use; the processor's widest where null.</param>
    /// <exception cref="DeviceException">The processor lacks these instructions.</exception>
    public Gemm(ThreadTeam workers, InstructionSet? instructions = null) =>
        (_workers, _kernels, _packed) = (workers, KernelSet.For(instructions ?? KernelSet.Best), new PackedWeights(workers));

    /// <summary>Computes C = α·op(A)·op(B) + β·C + bias + residual.</summary>
    /// <param name="product">Sizes, transposes, factors and distances.</param>
    /// <param name="a">A.</param>
    /// <param name="b">B.</param>
    /// <param name="c">C; must not overlap A or B.</param>
    /// <param name="bias">Added to each row of C, [N]; may be null.</param>
    /// <param name="residual">Added to C, laid out like C; may be C's own memory or null.</param>
    /// <param name="identity">By what to keep B in the kernels' order, where one tightly packed B serves many products.</param>
    /// <exception cref="ArgumentException">A size is negative or a leading dimension is shorter than its row.</exception>
    public void Multiply(in MatrixProduct product, float* a, float* b, float* c, float* bias = null, float* residual = null, WeightsIdentity identity = default)
    {
        Check(product);
        var p = product;
        if (p.M == 0 || p.N == 0 || p.Batch == 0)
        {
            return;
        }
        float* addend = p.Beta == 0 ? residual : c;
        if (p.Beta != 0 && (p.Beta != 1 || residual != null))
        {
            ScaleAndAdd(p, c, residual);
        }
        if (p.TransposeA && !p.TransposeB)
        {
            new ColumnProduct(_workers, _kernels, p) { A = a, B = b, C = c, Bias = bias, Addend = addend }.Run();
        }
        else
        {
            new RowProduct(_workers, _kernels, p) { A = a, B = b, C = c, Bias = bias, Addend = addend, PackedB = Packed(p, b, identity) }.Run();
        }
    }

    /// <summary>Says what memory <see cref="Multiply"/> needs beside its arguments.</summary>
    /// <param name="product">As there.</param>
    /// <param name="weights">B's address where it is kept in the kernels' order; otherwise 0.</param>
    /// <param name="scratch">Takes the answer.</param>
    internal void Rehearse(in MatrixProduct product, nint weights, CpuScratch scratch)
    {
        if (product.TransposeA && !product.TransposeB)
        {
            var columns = new ColumnProduct(_workers, _kernels, product) { A = null, B = null, C = null };
            scratch.Shared(columns.SharedBytes);
            scratch.EachWorker(columns.WorkerBytes);
            return;
        }
        var rows = new RowProduct(_workers, _kernels, product) { A = null, B = null, C = null };
        if (weights == 0)
        {
            scratch.Shared(rows.SharedBytes);
        }
        else
        {
            scratch.Packed(PackingOf(product), weights, !product.TransposeB);
        }
        scratch.EachWorker(rows.WorkerBytes);
    }

    /// <summary>Bytes of matrices in the kernels' order.</summary>
    public long PackedBytes => _packed.Bytes;

    /// <summary>Drops what was packed from memory that is freed.</summary>
    /// <param name="memory"><see cref="WeightsIdentity.Memory"/>.</param>
    public void Forget(nint memory) => _packed.Forget(memory);

    /// <summary>Frees what is kept of matrices.</summary>
    public void Dispose() => _packed.Dispose();

    // B is the kernel of a convolution of one tap, or that of its gradient.
    private float* Packed(in MatrixProduct p, float* b, WeightsIdentity identity)
    {
        if (identity.Version == 0 || p.K == 0)
        {
            return null;
        }
        return _packed.Get(PackingOf(p), b, !p.TransposeB, identity);
    }

    private static ConvGeometry PackingOf(in MatrixProduct p) => p.TransposeB
        ? ConvGeometry.Symmetric(1, 1, 1, p.K, p.N, kernel: 1)
        : ConvGeometry.Symmetric(1, 1, 1, p.N, p.K, kernel: 1);

    // C = β·C + residual, so that the product has one addend.
    private void ScaleAndAdd(MatrixProduct p, float* c, float* residual) => _workers.Run(p.Batch * p.M, (task, _) =>
    {
        nint offset = (nint)(task / p.M * p.StrideC) + (nint)(task % p.M) * p.LeadingC;
        for (int column = 0; column < p.N; column++)
        {
            c[offset + column] = p.Beta * c[offset + column] + (residual == null ? 0 : residual[offset + column]);
        }
    });

    private static void Check(in MatrixProduct p)
    {
        if (Math.Min(Math.Min(p.M, p.N), Math.Min(p.K, p.Batch)) < 0
            || p.LeadingA < (p.TransposeA ? p.M : p.K) || p.LeadingB < (p.TransposeB ? p.K : p.N) || p.LeadingC < p.N)
        {
            throw new ArgumentException($"Found {p}; expected sizes of at least 0 and leading dimensions of at least a stored row.", "product");
        }
    }
}
