namespace RawDiffusion.Core;

public abstract partial class Device
{
    /// <summary>The most terms of a <see cref="WeightedSum"/>.</summary>
    public const int MostTerms = 8;

    /// <summary>
    /// y = Σ_k c_k·x_k + s·z for each sample, with numbers that are read when the op runs, so that a recording of it sees new ones. The sum is
    /// rounded in a fixed order: c_0·x_0 + c_1·x_1 as one, then one term after the other, z last. Nothing is recorded by a tape.
    /// </summary>
    /// <param name="coefficients">(c_0 … c_{K−1}), and s if there is noise: [1, K or K + 1] for all samples, or [N, …] for each its own.</param>
    /// <param name="terms">K tensors of one shape [N, …], 1 to <see cref="MostTerms"/>.</param>
    /// <param name="noise">z, like a term; drawn from the stream as by <see cref="FillNormal"/> if null. With s = 0 neither is looked at.</param>
    /// <param name="stream">Where z comes from if no noise is given; nothing where there are as many coefficients as terms.</param>
    /// <param name="y">Like a term; may be any of them.</param>
    public void WeightedSum(Tensor coefficients, ReadOnlySpan<Tensor> terms, Tensor? noise, in RandomStream stream, Tensor y)
    {
        const string op = nameof(WeightedSum);
        if (terms.Length is 0 or > MostTerms)
        {
            throw new ArgumentException($"{op}: expected 1 to {MostTerms} terms; found {terms.Length}");
        }
        var shape = terms[0].Shape;
        foreach (var term in terms)
        {
            Check(op, "every term", term, shape);
        }
        Check(op, coefficients);
        bool fits = coefficients.Shape.Rank == 2 && (coefficients.Shape.N == 1 || coefficients.Shape.N == shape.N) && coefficients.Shape[1] - terms.Length is 0 or 1;
        Expect(fits, op, $"coefficients [1 or {shape.N}, {terms.Length}], or one more for noise", coefficients);
        if (coefficients.Shape[1] > terms.Length)
        {
            CheckNoise(op, shape, noise, stream);
        }
        Written(op, "y", y, shape);
        WeightedSumCore(coefficients, terms, noise, stream, y);
    }

    /// <summary>Does <see cref="WeightedSum"/>, whose arguments have been checked.</summary>
    protected abstract void WeightedSumCore(Tensor coefficients, ReadOnlySpan<Tensor> terms, Tensor? noise, in RandomStream stream, Tensor y);
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void WeightedSumCore(Tensor coefficients, ReadOnlySpan<Tensor> terms, Tensor? noise, in RandomStream stream, Tensor y)
    {
        var from = stream;
        Tensor[] all = [.. terms];
        Note(nameof(WeightedSum), [Read(coefficients), .. all.Select((term, k) => Read(term, name: $"term {k}")), Read(noise), Write(y)], $"{y.Shape} of {all.Length}",
            (device, on) => device.WeightedSum(on[coefficients], [.. all.Select(term => on[term])], on.OrNull(noise), on[from], on[y]));
    }
}
