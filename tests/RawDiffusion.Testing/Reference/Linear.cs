using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void LinearCore(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y)
    {
        var xs = Reals(x);
        var ws = Reals(w);
        var biases = RealsOrNone(bias);
        var residuals = RealsOrNone(residual);
        var ys = Reals(y);
        int rows = x.Shape.Rows, inner = x.Shape.C, columns = y.Shape.C;
        for (int m = 0; m < rows; m++)
        {
            for (int n = 0; n < columns; n++)
            {
                double sum = (bias is null ? 0 : biases[n]) + (residual is null ? 0 : residuals[m * columns + n]);
                for (int k = 0; k < inner; k++)
                {
                    sum += xs[m * inner + k] * ws[n * inner + k];
                }
                ys[m * columns + n] = sum;
            }
        }
    }

    /// <inheritdoc/>
    protected override void LinearBackwardInputCore(Tensor dy, Tensor w, Sink dx)
    {
        var dys = Reals(dy);
        var ws = Reals(w);
        var dxs = Start(dx);
        int rows = dy.Shape.Rows, columns = dy.Shape.C, inner = dx.Tensor!.Shape.C;
        for (int m = 0; m < rows; m++)
        {
            for (int k = 0; k < inner; k++)
            {
                double sum = 0;
                for (int n = 0; n < columns; n++)
                {
                    sum += dys[m * columns + n] * ws[n * inner + k];
                }
                AddTo(dxs, m * inner + k, sum);
            }
        }
    }

    /// <inheritdoc/>
    protected override void LinearBackwardWeightCore(Tensor x, Tensor dy, Sink dw, Sink dbias)
    {
        var xs = Reals(x);
        var dys = Reals(dy);
        var dws = Start(dw);
        var dbiases = Start(dbias);
        int rows = dy.Shape.Rows, columns = dy.Shape.C, inner = x.Shape.C;
        for (int n = 0; n < columns; n++)
        {
            for (int k = 0; k < inner; k++)
            {
                double sum = 0;
                for (int m = 0; m < rows; m++)
                {
                    sum += dys[m * columns + n] * xs[m * inner + k];
                }
                AddTo(dws, n * inner + k, sum);
            }
            double biasSum = 0;
            for (int m = 0; m < rows; m++)
            {
                biasSum += dys[m * columns + n];
            }
            AddTo(dbiases, n, biasSum);
        }
    }
}
