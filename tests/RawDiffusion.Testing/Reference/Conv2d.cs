using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void Conv2dCore(Tensor x, Tensor w, Tensor? bias, Tensor? channelAdd, Tensor? residual, Tensor y, in ConvGeometry geometry)
    {
        var xs = Reals(x);
        var ws = Reals(w);
        var ys = Reals(y);
        var biases = RealsOrNone(bias);
        var adds = RealsOrNone(channelAdd);
        var residuals = RealsOrNone(residual);
        for (int i = 0; i < ys.Length; i++)
        {
            int o = i % geometry.Cout, n = i / (geometry.OutH * geometry.OutW * geometry.Cout);
            ys[i] = (bias is null ? 0 : biases[o]) + (channelAdd is null ? 0 : adds[n * geometry.Cout + o]) + (residual is null ? 0 : residuals[i]);
        }
        foreach (var (xAt, wAt, yAt) in Products(geometry))
        {
            ys[yAt] += xs[xAt] * ws[wAt];
        }
    }

    /// <inheritdoc/>
    protected override void Conv2dBackwardInputCore(Tensor dy, Tensor w, Sink dx, in ConvGeometry geometry)
    {
        var dys = Reals(dy);
        var ws = Reals(w);
        var dxs = Start(dx);
        foreach (var (xAt, wAt, yAt) in Products(geometry))
        {
            AddTo(dxs, xAt, dys[yAt] * ws[wAt]);
        }
    }

    /// <inheritdoc/>
    protected override void Conv2dBackwardWeightCore(Tensor x, Tensor dy, Sink dw, Sink dbias, in ConvGeometry geometry)
    {
        var xs = Reals(x);
        var dys = Reals(dy);
        var dws = Start(dw);
        var dbiases = Start(dbias);
        foreach (var (xAt, wAt, yAt) in Products(geometry))
        {
            AddTo(dws, wAt, dys[yAt] * xs[xAt]);
        }
        for (int i = 0; i < dys.Length; i++)
        {
            AddTo(dbiases, i % geometry.Cout, dys[i]);
        }
    }

    /// <summary>Every product of the convolution's sum, as the positions of its two factors x and w and of the output it belongs to.</summary>
    private static IEnumerable<(int X, int W, int Y)> Products(ConvGeometry g)
    {
        for (int n = 0; n < g.N; n++)
        {
            for (int p = 0; p < g.OutH; p++)
            {
                for (int q = 0; q < g.OutW; q++)
                {
                    for (int r = 0; r < g.Kernel; r++)
                    {
                        for (int s = 0; s < g.Kernel; s++)
                        {
                            int row = p * g.Stride + r - g.PadTop, column = q * g.Stride + s - g.PadLeft;
                            if (row < 0 || row >= g.H || column < 0 || column >= g.W)
                            {
                                continue;
                            }
                            for (int o = 0; o < g.Cout; o++)
                            {
                                for (int i = 0; i < g.Cin; i++)
                                {
                                    yield return (
                                        ((n * g.H + row) * g.W + column) * g.Cin + i,
                                        ((o * g.Kernel + r) * g.Kernel + s) * g.Cin + i,
                                        ((n * g.OutH + p) * g.OutW + q) * g.Cout + o);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}
