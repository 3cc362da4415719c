using RawDiffusion.Core;

namespace RawDiffusion.Testing;

public partial class ReferenceDevice
{
    /// <inheritdoc/>
    protected override void AttentionCore(Tensor q, Tensor k, Tensor v, Tensor y, Tensor probabilities, int heads)
    {
        var qs = Reals(q);
        var ks = Reals(k);
        var vs = Reals(v);
        var ys = Reals(y);
        var ps = Reals(probabilities);
        int tokens = q.Shape.Positions, channels = q.Shape.C, width = channels / heads;
        for (int row = 0; row < q.Shape.N * heads * tokens; row++)
        {
            int n = row / (heads * tokens), head = row / tokens % heads, query = row % tokens;
            var p = ps.Slice(row * tokens, tokens);
            for (int key = 0; key < tokens; key++)
            {
                double score = 0;
                for (int c = 0; c < width; c++)
                {
                    score += qs[At(n, query, head, c)] * ks[At(n, key, head, c)];
                }
                p[key] = score / Math.Sqrt(width);
            }
            Softmax(p);
            for (int c = 0; c < width; c++)
            {
                double sum = 0;
                for (int key = 0; key < tokens; key++)
                {
                    sum += p[key] * vs[At(n, key, head, c)];
                }
                ys[At(n, query, head, c)] = sum;
            }
        }

        int At(int n, int token, int head, int c) => (n * tokens + token) * channels + head * width + c;
    }

    /// <inheritdoc/>
    protected override void AttentionBackwardCore(Tensor dy, Tensor q, Tensor k, Tensor v, Tensor probabilities, Sink dq, Sink dk, Sink dv, int heads)
    {
        var dys = Reals(dy);
        var qs = Reals(q);
        var ks = Reals(k);
        var vs = Reals(v);
        var ps = Reals(probabilities);
        var dvs = Start(dv);
        var dqs = Start(dq);
        var dks = Start(dk);
        int tokens = q.Shape.Positions, channels = q.Shape.C, width = channels / heads;
        double[] dp = new double[tokens];
        for (int row = 0; row < q.Shape.N * heads * tokens; row++)
        {
            int n = row / (heads * tokens), head = row / tokens % heads, query = row % tokens;
            var p = ps.Slice(row * tokens, tokens);
            double expected = 0;
            for (int key = 0; key < tokens; key++)
            {
                dp[key] = 0;
                for (int c = 0; c < width; c++)
                {
                    dp[key] += dys[At(n, query, head, c)] * vs[At(n, key, head, c)];
                    AddTo(dvs, At(n, key, head, c), p[key] * dys[At(n, query, head, c)]);
                }
                expected += p[key] * dp[key];
            }
            for (int key = 0; key < tokens; key++)
            {
                double dScore = p[key] * (dp[key] - expected) / Math.Sqrt(width);
                for (int c = 0; c < width; c++)
                {
                    AddTo(dqs, At(n, query, head, c), dScore * ks[At(n, key, head, c)]);
                    AddTo(dks, At(n, key, head, c), dScore * qs[At(n, query, head, c)]);
                }
            }
        }

        int At(int n, int token, int head, int c) => (n * tokens + token) * channels + head * width + c;
    }

    private static void Softmax(Span<double> scores)
    {
        double largest = double.NegativeInfinity, sum = 0;
        foreach (double score in scores)
        {
            largest = Math.Max(largest, score);
        }
        foreach (ref double score in scores)
        {
            score = Math.Exp(score - largest);
            sum += score;
        }
        foreach (ref double score in scores)
        {
            score /= sum;
        }
    }
}
