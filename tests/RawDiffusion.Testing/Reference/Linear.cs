using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    public override void Linear(Tensor x, Tensor w, Tensor? bias, Tensor? residual, Tensor y)
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
    public override void LinearBackwardInput(Tensor dy, Tensor w, Tensor dx, bool accumulate)
    {
        var dys = Reals(dy);
        var ws = Reals(w);
        var dxs = Reals(dx);
        int rows = dy.Shape.Rows, columns = dy.Shape.C, inner = dx.Shape.C;
        for (int m = 0; m < rows; m++)
        {
            for (int k = 0; k < inner; k++)
            {
                double sum = 0;
                for (int n = 0; n < columns; n++)
                {
                    sum += dys[m * columns + n] * ws[n * inner + k];
                }
                Put(ref dxs[m * inner + k], sum, accumulate);
            }
        }
    }

    /// <inheritdoc/>
    public override void LinearBackwardWeight(Tensor x, Tensor dy, Tensor dw, Tensor? dbias, bool accumulate)
    {
        var xs = Reals(x);
        var dys = Reals(dy);
        var dws = Reals(dw);
        var dbiases = RealsOrNone(dbias);
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
                Put(ref dws[n * inner + k], sum, accumulate);
            }
            double biasSum = 0;
            for (int m = 0; m < rows; m++)
            {
                biasSum += dys[m * columns + n];
            }
            if (dbias is not null)
            {
                Put(ref dbiases[n], biasSum, accumulate);
            }
        }
    }
}
