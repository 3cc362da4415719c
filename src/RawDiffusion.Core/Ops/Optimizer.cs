namespace RawDiffusion.Core;

/// <summary>Where each number of a step stands in the tensor that <see cref="Device.AdamStep"/> reads.</summary>
public enum AdamSetting
{
    /// <summary>The learning rate.</summary>
    LearningRate,

    /// <summary>β₁.</summary>
    Beta1,

    /// <summary>1 − β₁, rounded from the exact difference.</summary>
    OneMinusBeta1,

    /// <summary>β₂.</summary>
    Beta2,

    /// <summary>1 − β₂, rounded from the exact difference.</summary>
    OneMinusBeta2,

    /// <summary>ε, added to √v̂ (PyTorch's form).</summary>
    Epsilon,

    /// <summary>1 − β₁ᵗ.</summary>
    BiasCorrection1,

    /// <summary>√(1 − β₂ᵗ).</summary>
    RootBiasCorrection2,

    /// <summary>The largest allowed global gradient norm; +∞ for no clipping.</summary>
    MaxNorm,

    /// <summary>1 − the EMA decay of this step.</summary>
    OneMinusEmaDecay,

    /// <summary>How many settings there are.</summary>
    Count,
}

public abstract partial class Device
{
    /// <summary>sum[0] = Σ x², accumulated in double precision in a fixed order.</summary>
    /// <param name="x">Any shape.</param>
    /// <param name="sum">[1].</param>
    public void SumOfSquares(Tensor x, Tensor sum)
    {
        const string op = nameof(SumOfSquares);
        Check(op, x);
        Written(op, "the sum", sum, new Shape(1));
        SumOfSquaresCore(x, sum);
    }

    /// <summary>
    /// One pass over the flat arenas: clips the gradient by its global norm, g' = g·min(1, MaxNorm/(‖g‖ + 1e−6)); then Adam of Kingma and Ba 2014,
    /// m ← m + (1 − β₁)(g' − m), v ← β₂·v + (1 − β₂)·g'², p ← p − LearningRate/BiasCorrection1 · m/(√v/RootBiasCorrection2 + ε);
    /// then ema ← ema + OneMinusEmaDecay·(p − ema). If the gradient's norm is not finite nothing changes at all.
    /// </summary>
    /// <param name="parameters">p.</param>
    /// <param name="gradients">g, like p; left as it is.</param>
    /// <param name="firstMoment">m, like p.</param>
    /// <param name="secondMoment">v, like p.</param>
    /// <param name="ema">The moving average, like p.</param>
    /// <param name="gradientSumOfSquares">[1]: ‖g‖².</param>
    /// <param name="settings">[<see cref="AdamSetting.Count"/>].</param>
    public void AdamStep(Tensor parameters, Tensor gradients, Tensor firstMoment, Tensor secondMoment, Tensor ema, Tensor gradientSumOfSquares, Tensor settings)
    {
        const string op = nameof(AdamStep);
        Check(op, parameters);
        var shape = parameters.Shape;
        Check(op, "the gradients", gradients, shape);
        Check(op, "‖g‖²", gradientSumOfSquares, new Shape(1));
        Check(op, "the settings", settings, new Shape((int)AdamSetting.Count));
        // Also where a gradient that is not finite will change nothing: to derive anew what is derived from the content is harmless.
        Written(op, "the parameters", parameters, shape);
        Written(op, "the first moments", firstMoment, shape);
        Written(op, "the second moments", secondMoment, shape);
        Written(op, "the moving average", ema, shape);
        AdamStepCore(parameters, gradients, firstMoment, secondMoment, ema, gradientSumOfSquares, settings);
    }

    /// <summary>Does <see cref="SumOfSquares"/>, whose arguments have been checked.</summary>
    protected abstract void SumOfSquaresCore(Tensor x, Tensor sum);

    /// <summary>Does <see cref="AdamStep"/>, whose arguments have been checked.</summary>
    protected abstract void AdamStepCore(Tensor parameters, Tensor gradients, Tensor firstMoment, Tensor secondMoment, Tensor ema, Tensor gradientSumOfSquares, Tensor settings);
}

public sealed partial class ShapeDevice
{
    /// <inheritdoc/>
    protected override void SumOfSquaresCore(Tensor x, Tensor sum) =>
        Note(nameof(SumOfSquares), [Read(x), Write(sum)], $"{x.Shape}", (device, on) => device.SumOfSquares(on[x], on[sum]));

    /// <inheritdoc/>
    protected override void AdamStepCore(
        Tensor parameters, Tensor gradients, Tensor firstMoment, Tensor secondMoment, Tensor ema, Tensor gradientSumOfSquares, Tensor settings) =>
        Note(nameof(AdamStep),
            [Update(parameters), Read(gradients), Update(firstMoment), Update(secondMoment), Update(ema), Read(gradientSumOfSquares), Read(settings)],
            $"{parameters.Shape}",
            (device, on) => device.AdamStep(
                on[parameters], on[gradients], on[firstMoment], on[secondMoment], on[ema], on[gradientSumOfSquares], on[settings]));
}
