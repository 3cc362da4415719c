namespace RawDiffusion.Cpu;

/// <summary>
/// The shape of C[M,N] = α·op(A)·op(B) + β·C + bias[N] + residual[M,N], row-major, op(A) [M,K], op(B) [K,N]. Leading dimensions and the distances
/// between the matrices of a batch are in floats and default to tightly packed matrices.
/// </summary>
/// <param name="M">Rows of C.</param>
/// <param name="N">Columns of C.</param>
/// <param name="K">Length of the sums.</param>
/// <param name="TransposeA">Whether A is stored as [K,M].</param>
/// <param name="TransposeB">Whether B is stored as [N,K].</param>
public readonly record struct MatrixProduct(int M, int N, int K, bool TransposeA = false, bool TransposeB = false)
{
    /// <summary>Factor of the product.</summary>
    public float Alpha { get; init; } = 1;

    /// <summary>Factor of what C holds; with 0, C is not read and may hold anything.</summary>
    public float Beta { get; init; }

    /// <summary>Distance of A's stored rows.</summary>
    public int LeadingA { get; init; } = TransposeA ? M : K;

    /// <summary>Distance of B's stored rows.</summary>
    public int LeadingB { get; init; } = TransposeB ? K : N;

    /// <summary>Distance of C's rows, and of the residual's.</summary>
    public int LeadingC { get; init; } = N;

    /// <summary>Number of products.</summary>
    public int Batch { get; init; } = 1;

    /// <summary>Distance between the A of neighbouring products; 0 shares one.</summary>
    public long StrideA { get; init; } = (long)M * K;

    /// <summary>Distance between the B of neighbouring products; 0 shares one.</summary>
    public long StrideB { get; init; } = (long)K * N;

    /// <summary>Distance between the C (and residual) of neighbouring products.</summary>
    public long StrideC { get; init; } = (long)M * N;
}
