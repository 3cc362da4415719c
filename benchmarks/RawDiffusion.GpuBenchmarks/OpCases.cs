using RawDiffusion.Core;
using RawDiffusion.Models;

namespace RawDiffusion.GpuBenchmarks;

/// <summary>What a training step of a network is made of, forward and backward, and a sampling step's update.</summary>
internal static class OpCases
{
    private const int Float = sizeof(float);

    public static IEnumerable<OpCase> Of(UNetConfig network, int batch)
    {
        var ops = new NetworkOps(network, batch);
        return
        [
            .. ops.Convolutions.SelectMany(o => Convolution(o.Key, o.Value, isFirst: o.Key.Cin == network.InChannels)),
            .. ops.Products.SelectMany(o => Product(o.Key.Rows, o.Key.Inputs, o.Key.Outputs, o.Value)),
            .. ops.Attentions.SelectMany(o => Attention(o.Key.Q, o.Key.Heads, o.Value)),
            .. ops.Norms.SelectMany(o => Norm(o.Key.X, network.NormGroups, o.Key.Silu, o.Value)),
            .. ops.Concatenations.SelectMany(o => Concatenation(o.Key.X, o.Key.SkipChannels, o.Value)),
            .. ops.Upsamplings.SelectMany(o => Upsampling(o.Key, o.Value)),
            .. Elementwise(new Shape(batch, network.Height, network.Width, network.BlockChannels[0])),
            .. Images(new Shape(batch, network.Height, network.Width, network.InChannels)),
            .. Optimizer(new UNet(network).Parameters.Sum(p => p.Shape.Count)),
        ];
    }

    private static IEnumerable<OpCase> Convolution(ConvGeometry g, int count, bool isFirst)
    {
        string shape = $"{g.N}×{g.H}×{g.W}, {g.Cin} → {g.Cout}{(g.Stride == 1 ? "" : $", stride {g.Stride}")}";
        Shape x = new(g.N, g.H, g.W, g.Cin), w = new(g.Cout, g.Kernel, g.Kernel, g.Cin), y = new(g.N, g.OutH, g.OutW, g.Cout);
        double bytes = Float * (x.Count + w.Count + y.Count);
        yield return new("Conv2d", shape, count, g.Flops, bytes, t =>
        {
            Tensor tx = t.Normal(x), tw = t.Normal(w), bias = t.Normal(g.Cout), ty = t.Normal(y);
            return () => t.Device.Conv2d(tx, tw, bias, null, null, ty, g);
        });
        if (!isFirst)
        {
            yield return new("Conv2dBackwardInput", shape, count, g.Flops, bytes, t =>
            {
                Tensor dy = t.Normal(y), tw = t.Normal(w), dx = t.Normal(x);
                return () => t.Device.Conv2dBackwardInput(dy, tw, Sink.Into(dx), g);
            });
        }
        yield return new("Conv2dBackwardWeight", shape, count, g.Flops, bytes, t =>
        {
            Tensor tx = t.Normal(x), dy = t.Normal(y), dw = t.Normal(w), dbias = t.Normal(g.Cout);
            return () => t.Device.Conv2dBackwardWeight(tx, dy, Sink.Into(dw), Sink.Into(dbias), g);
        });
    }

    private static IEnumerable<OpCase> Product(int m, int k, int n, int count)
    {
        string shape = $"{m} × {k} → {n}";
        double flops = 2.0 * m * n * k, bytes = (double)Float * ((long)m * k + (long)n * k + (long)m * n);
        yield return new("Linear", shape, count, flops, bytes, t =>
        {
            Tensor x = t.Normal(m, k), w = t.Normal(n, k), bias = t.Normal(n), y = t.Normal(m, n);
            return () => t.Device.Linear(x, w, bias, null, y);
        });
        yield return new("LinearBackwardInput", shape, count, flops, bytes, t =>
        {
            Tensor dy = t.Normal(m, n), w = t.Normal(n, k), dx = t.Normal(m, k);
            return () => t.Device.LinearBackwardInput(dy, w, Sink.Into(dx));
        });
        yield return new("LinearBackwardWeight", shape, count, flops, bytes, t =>
        {
            Tensor x = t.Normal(m, k), dy = t.Normal(m, n), dw = t.Normal(n, k), dbias = t.Normal(n);
            return () => t.Device.LinearBackwardWeight(x, dy, Sink.Into(dw), Sink.Into(dbias));
        });
    }

    private static IEnumerable<OpCase> Attention(Shape q, int heads, int count)
    {
        string shape = $"{q}, {heads} head{(heads == 1 ? "" : "s")}";
        var squares = new Shape(q.N, heads, q.Positions, q.Positions);
        double product = 2.0 * q.Count * q.Positions;
        yield return new("Attention", shape, count, 2 * product, Float * (4 * q.Count + squares.Count), t =>
        {
            Tensor tq = t.Normal(q), k = t.Normal(q), v = t.Normal(q), y = t.Normal(q), probabilities = t.Normal(squares);
            return () => t.Device.Attention(tq, k, v, y, probabilities, heads);
        });
        yield return new("AttentionBackward", shape, count, 4 * product, Float * (7 * q.Count + squares.Count), t =>
        {
            Tensor dy = t.Normal(q), tq = t.Normal(q), k = t.Normal(q), v = t.Normal(q), probabilities = t.Normal(squares);
            Tensor dq = t.Normal(q), dk = t.Normal(q), dv = t.Normal(q);
            return () => t.Device.AttentionBackward(dy, tq, k, v, probabilities, Sink.Into(dq), Sink.Into(dk), Sink.Into(dv), heads);
        });
    }

    private static IEnumerable<OpCase> Norm(Shape x, int groups, bool silu, int count)
    {
        const double eps = 1e-6;
        string shape = $"{x}{(silu ? ", SiLU" : "")}";
        yield return new("GroupNorm", shape, count, 0, Float * 2 * x.Count, t =>
        {
            Tensor tx = t.Normal(x), gamma = t.Normal(x.C), beta = t.Normal(x.C), y = t.Normal(x), mean = t.Normal(x.N, groups), rstd = t.Normal(x.N, groups);
            return () => t.Device.GroupNorm(tx, gamma, beta, null, y, mean, rstd, groups, eps, silu);
        });
        yield return new("GroupNormBackward", shape, count, 0, Float * 3 * x.Count, t =>
        {
            Tensor dy = t.Normal(x), tx = t.Normal(x), gamma = t.Normal(x.C), beta = t.Normal(x.C), mean = t.Normal(x.N, groups), rstd = t.Normal(x.N, groups);
            Tensor dx = t.Normal(x), dgamma = t.Normal(x.C), dbeta = t.Normal(x.C);
            t.Device.GroupNorm(tx, gamma, beta, null, dx, mean, rstd, groups, eps, silu);
            return () => t.Device.GroupNormBackward(dy, tx, gamma, beta, null, mean, rstd, Sink.Into(dx), Sink.Into(dgamma), Sink.Into(dbeta), Sink.None, groups, silu);
        });
    }

    private static IEnumerable<OpCase> Concatenation(Shape x, int skipChannels, int count)
    {
        string shape = $"{x} + {skipChannels}";
        Shape skip = x.WithChannels(skipChannels), both = x.WithChannels(x.C + skipChannels);
        yield return new("ConcatChannels", shape, count, 0, Float * 2 * both.Count, t =>
        {
            Tensor a = t.Normal(x), b = t.Normal(skip), y = t.Normal(both);
            return () => t.Device.ConcatChannels(a, b, y);
        });
        yield return new("ConcatChannelsBackward", shape, count, 0, Float * 2 * both.Count, t =>
        {
            Tensor dy = t.Normal(both), da = t.Normal(x), db = t.Normal(skip);
            return () => t.Device.ConcatChannelsBackward(dy, Sink.Into(da), Sink.Into(db), x.C);
        });
    }

    private static IEnumerable<OpCase> Upsampling(Shape x, int count)
    {
        var y = new Shape(x.N, 2 * x[1], 2 * x[2], x.C);
        yield return new("UpsampleNearest", x.ToString(), count, 0, Float * (x.Count + y.Count), t =>
        {
            Tensor tx = t.Normal(x), ty = t.Normal(y);
            return () => t.Device.UpsampleNearest(tx, ty);
        });
        yield return new("UpsampleNearestBackward", x.ToString(), count, 0, Float * (x.Count + y.Count), t =>
        {
            Tensor dy = t.Normal(y), dx = t.Normal(x);
            return () => t.Device.UpsampleNearestBackward(dy, Sink.Into(dx));
        });
    }

    // Once each, on the network's largest activation: what they cost a byte is what matters.
    private static IEnumerable<OpCase> Elementwise(Shape x)
    {
        yield return new("LinearCombination", x.ToString(), 1, 0, Float * 3 * x.Count, t =>
        {
            Tensor tx = t.Normal(x), z = t.Normal(x), y = t.Normal(x);
            return () => t.Device.LinearCombination(1, tx, 1, z, y);
        });
        yield return new("Dropout", x.ToString(), 1, 0, Float * 2 * x.Count, t =>
        {
            Tensor tx = t.Normal(x), y = t.Normal(x);
            return () => t.Device.Dropout(tx, Sink.Into(y), 0.1, t.Stream);
        });
        yield return new("SumPositions", x.ToString(), 1, 0, Float * (x.Count + x.N * x.C), t =>
        {
            Tensor tx = t.Normal(x), sum = t.Normal(x.N, x.C);
            return () => t.Device.SumPositions(tx, Sink.Into(sum));
        });
        yield return new("Silu", x.ToString(), 1, 0, Float * 2 * x.Count, t =>
        {
            Tensor tx = t.Normal(x), y = t.Normal(x);
            return () => t.Device.Silu(tx, y);
        });
    }

    private static IEnumerable<OpCase> Images(Shape x)
    {
        string shape = x.ToString();
        yield return new("AddNoiseToPixels", shape, 1, 0, (2 * Float + 1) * x.Count, t =>
        {
            Tensor pixels = t.Pixels(x), xt = t.Normal(x), target = t.Normal(x), coefficients = t.Normal(x.N, 4);
            var picks = t.Integers([x.N, 2], [.. Enumerable.Range(0, x.N).SelectMany(n => (int[])[n * 7 % x.N, n % 2])]);
            return () => t.Device.AddNoiseToPixels(pixels, picks, 0, x[2], coefficients, null, t.Stream, xt, target);
        });
        yield return new("MeanSquaredError", shape, 1, 0, Float * 2 * x.Count, t =>
        {
            Tensor prediction = t.Normal(x), target = t.Normal(x), perSample = t.Normal(x.N), loss = t.Normal(1);
            return () => t.Device.MeanSquaredError(prediction, target, null, perSample, loss);
        });
        yield return new("DenoiseUpdate", shape, 0, 0, Float * 3 * x.Count, t =>
        {
            Tensor tx = t.Normal(x), output = t.Normal(x), next = t.Normal(x), coefficients = t.Reals(1.1f, -0.4f, 1, 0.5f, 0.5f, 0, 0.1f);
            return () => t.Device.DenoiseUpdate(tx, output, null, coefficients, null, t.Stream, null, next);
        });
    }

    private static IEnumerable<OpCase> Optimizer(long parameters)
    {
        string shape = parameters.ToString("N0", System.Globalization.CultureInfo.InvariantCulture);
        int count = checked((int)parameters);
        yield return new("SumOfSquares", shape, 1, 0, Float * (double)parameters, t =>
        {
            Tensor x = t.Normal(count), sum = t.Normal(1);
            return () => t.Device.SumOfSquares(x, sum);
        });
        yield return new("AdamStep", shape, 1, 0, 9.0 * Float * parameters, t =>
        {
            Tensor p = t.Normal(count), g = t.Normal(count), m = t.Normal(count), v = t.Normal(count), ema = t.Normal(count), sum = t.Reals(1);
            v.Upload(Enumerable.Repeat(1f, count).ToArray());           // a mean of squares is not negative
            var settings = t.Reals(1e-4f, 0.9f, 0.1f, 0.999f, 0.001f, 1e-8f, 0.5f, 0.5f, 1, 1e-3f);
            return () => t.Device.AdamStep(p, g, m, v, ema, sum, settings);
        });
    }
}
