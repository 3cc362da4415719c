using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>Updates a network's weights and their moving average: global-norm clipping, Adam and EMA in one pass over the arenas.</summary>
public sealed class Adam : IDisposable
{
    private readonly ParameterSet _parameters;
    private readonly AdamOptions _options;
    private readonly Tensor _sumOfSquares;
    private readonly Tensor _settings;

    /// <summary>An optimizer over a set made for training.</summary>
    public Adam(ParameterSet parameters, AdamOptions options)
    {
        (_parameters, _options) = (parameters, options);
        var device = parameters.Values.Device;
        _sumOfSquares = new Tensor(device, new Shape(1), null, "the gradient's sum of squares");
        try
        {
            _settings = new Tensor(device, new Shape((int)AdamSetting.Count), null, "the optimizer's settings");
        }
        catch
        {
            _sumOfSquares.Dispose();
            throw;
        }
    }

    /// <summary>How many updates were made: the t of the bias corrections.</summary>
    public long Step { get; set; }

    /// <summary>The gradient's Σ x² before clipping, [1]: on the device once <see cref="Launch"/> has run.</summary>
    public Tensor GradientSumOfSquares => _sumOfSquares;

    /// <summary>
    /// Makes one update from the gradients that the backward pass brought, and forgets them. If their norm is not finite nothing changes.
    /// </summary>
    /// <param name="learningRate">The step size α.</param>
    /// <param name="emaDecay">The moving average's decay in this step.</param>
    /// <returns>The global norm of the gradient before clipping.</returns>
    public double Update(double learningRate, double emaDecay)
    {
        UploadSettings(learningRate, emaDecay);
        Launch();
        return Count(_sumOfSquares.ToArray<double>()[0]);
    }

    /// <summary>Tells the device the next update's settings; <see cref="Launch"/> follows.</summary>
    public void UploadSettings(double learningRate, double emaDecay)
    {
        long t = Step + 1;
        Span<double> settings = stackalloc double[(int)AdamSetting.Count];
        settings[(int)AdamSetting.LearningRate] = learningRate;
        settings[(int)AdamSetting.Beta1] = _options.Beta1;
        settings[(int)AdamSetting.OneMinusBeta1] = 1 - _options.Beta1;
        settings[(int)AdamSetting.Beta2] = _options.Beta2;
        settings[(int)AdamSetting.OneMinusBeta2] = 1 - _options.Beta2;
        settings[(int)AdamSetting.Epsilon] = _options.Epsilon;
        settings[(int)AdamSetting.BiasCorrection1] = 1 - Math.Pow(_options.Beta1, t);
        settings[(int)AdamSetting.RootBiasCorrection2] = Math.Sqrt(1 - Math.Pow(_options.Beta2, t));
        settings[(int)AdamSetting.MaxNorm] = _options.MaxNorm;
        settings[(int)AdamSetting.OneMinusEmaDecay] = 1 - emaDecay;
        _settings.Upload<double>(settings);
    }

    /// <summary>Forgets what gradients there are: a step that failed on its way must not be added to.</summary>
    public void ForgetGradients() => _parameters.ForgetGradients();

    /// <summary>Launches the update: what the device does of it, which <see cref="Device.Record"/> may take.</summary>
    public void Launch()
    {
        _parameters.ClearMissingGradients();
        var device = _parameters.Values.Device;
        device.SumOfSquares(_parameters.Gradients!, _sumOfSquares);
        device.AdamStep(_parameters.Values, _parameters.Gradients!, _parameters.FirstMoment!, _parameters.SecondMoment!,
            _parameters.Ema!, _sumOfSquares, _settings);
        _parameters.ForgetGradients();
    }

    /// <summary>Counts the update that was launched, if its gradient was finite: else nothing has changed.</summary>
    /// <param name="sumOfSquares">What <see cref="GradientSumOfSquares"/> holds.</param>
    /// <returns>The global norm of the gradient before clipping.</returns>
    public double Count(double sumOfSquares)
    {
        double norm = Math.Sqrt(sumOfSquares);
        if (double.IsFinite(norm))
        {
            Step++;
        }
        return norm;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _sumOfSquares.Dispose();
        _settings.Dispose();
    }
}
