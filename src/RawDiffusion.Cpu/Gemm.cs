namespace RawDiffusion.Cpu;

/// <summary>Matrix products in float32, with the same bits for any number of workers.</summary>
/// <param name="workers">The threads that share the work.</param>
public sealed unsafe class Gemm(Workers workers)
{
    /// <summary>Computes C = α·op(A)·op(B) + β·C + bias + residual.</summary>
    /// <param name="product">Sizes, transposes, factors and distances.</param>
    /// <param name="a">A.</param>
    /// <param name="b">B.</param>
    /// <param name="c">C; must not overlap A or B.</param>
    /// <param name="bias">Added to each row of C, [N]; may be null.</param>
    /// <param name="residual">Added to C, laid out like C; may be C's own memory or null.</param>
    public void Multiply(in MatrixProduct product, float* a, float* b, float* c, float* bias = null, float* residual = null)
    {
        var p = product;
        workers.Run(p.Batch * p.M, (task, _) =>
        {
            int batch = task / p.M, row = task % p.M;
            float* cRow = c + batch * p.StrideC + (long)row * p.LeadingC;
            float* aBatch = a + batch * p.StrideA, bBatch = b + batch * p.StrideB;
            for (int column = 0; column < p.N; column++)
            {
                float sum = 0;
                for (int k = 0; k < p.K; k++)
                {
                    float left = p.TransposeA ? aBatch[(long)k * p.LeadingA + row] : aBatch[(long)row * p.LeadingA + k];
                    float right = p.TransposeB ? bBatch[(long)column * p.LeadingB + k] : bBatch[(long)k * p.LeadingB + column];
                    sum += left * right;
                }
                sum *= p.Alpha;
                if (p.Beta != 0)
                    sum += p.Beta * cRow[column];
                if (bias != null)
                    sum += bias[column];
                if (residual != null)
                    sum += residual[batch * p.StrideC + (long)row * p.LeadingC + column];
                cRow[column] = sum;
            }
        });
    }
}
