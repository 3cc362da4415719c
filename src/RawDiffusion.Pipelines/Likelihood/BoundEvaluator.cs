using RawDiffusion.Core;
using RawDiffusion.Diffusion;

namespace RawDiffusion.Pipelines;

/// <summary>
/// Evaluates the variational bound of images under a model (Ho et al. 2020, eq. 5): for each image all terms L_t, or a few from strata of timesteps, which is unbiased
/// (the expectation over x_t is always one draw). A term costs one evaluation of the network.
/// </summary>
public static class BoundEvaluator
{
    /// <summary>Evaluates the bound.</summary>
    /// <param name="model">The model.</param>
    /// <param name="request">Of how many images, and how.</param>
    /// <param name="read">Fills the network-sized images [N, H, W, C] in [−1, 1] that begin with a given one.</param>
    /// <param name="label">An image's class, −1 for none; null for images without classes.</param>
    /// <param name="progress">Called with the share done, 0 to 1.</param>
    /// <param name="stop">Stops between evaluations; images that are not done are left out.</param>
    /// <returns>The images that were done: all of them, or those before the stop.</returns>
    /// <exception cref="ConfigurationException">The model or the request has no bound: says why.</exception>
    public static BoundResult Run(
        GenerativeModel model, BoundRequest request, Action<int, float[]> read, Func<int, int>? label = null, Action<double>? progress = null, CancellationToken stop = default)
    {
        Check(model, request);
        int timesteps = model.Process.Schedule.Steps, strata = request.TermsPerImage ?? timesteps - 1, done = 0;
        int all = (request.Count + request.BatchSize - 1) / request.BatchSize * (strata + 1);
        var result = new BoundResult(timesteps);
        for (int first = 0; first < request.Count && !stop.IsCancellationRequested; first += request.BatchSize)
        {
            using var batch = new Batch(model, request, first, Math.Min(request.BatchSize, request.Count - first), strata);
            batch.Load(read, label);
            for (int k = 0; k <= strata && !stop.IsCancellationRequested; k++)
            {
                batch.Evaluate(k);
                progress?.Invoke((double)++done / all);
            }
            if (batch.IsDone)
            {
                batch.AddTo(result);
            }
        }
        return result;
    }

    private static void Check(GenerativeModel model, BoundRequest request)
    {
        var schedule = model.Process.Schedule;
        if (schedule.Steps < 2)
        {
            throw new ConfigurationException("The bound needs at least 2 timesteps: with one there is no step between noise levels to measure. Evaluate a model of more.");
        }
        if (schedule.Levels[^1].SignalVariance == 0 && model.Process.Prediction == Prediction.Epsilon)
        {
            throw new ConfigurationException($"The noise schedule leaves no signal at timestep {schedule.Steps - 1}, where a predicted ε says nothing about the image, so the " +
                "bound has an infinite term there. Evaluate a model that predicts v or the image.");
        }
        if (model.Planes > 0)
        {
            throw new ConfigurationException($"This model takes {model.Planes} condition planes beside each image, which a data set does not hold. Evaluate a model without.");
        }
        if (request.Count < 1 || request.BatchSize < 1 || request.TermsPerImage is < 1 || request.TermsPerImage >= schedule.Steps || !(request.Clip > 0))
        {
            throw new ConfigurationException($"The number of images ({request.Count}) and the batch ({request.BatchSize}) must be at least 1, the clip ({request.Clip}) above 0, " +
                $"and the terms for each image ({request.TermsPerImage}) from 1 to {schedule.Steps - 1}.");
        }
    }

    /// <summary>Some images on the device, and their terms so far.</summary>
    private sealed class Batch : IDisposable
    {
        private readonly GenerativeModel _model;
        private readonly BoundRequest _request;
        private readonly int _first, _size, _strata, _elements;
        private readonly float[] _pixels;
        private readonly int[][] _timesteps;
        private readonly float[][] _bits;
        private readonly List<Tensor> _owned = [];
        private readonly Tensor _images, _noisy, _target, _coefficients, _heard, _rows, _position, _perSample, _loss;
        private Tensor? _labels;
        private int _done;

        public Batch(GenerativeModel model, BoundRequest request, int first, int size, int strata)
        {
            (_model, _request, _first, _size, _strata) = (model, request, first, size, strata);
            var config = model.Network.Config;
            var shape = new Shape(size, config.Height, config.Width, model.Channels);
            _elements = (int)(shape.Count / size);
            _pixels = new float[shape.Count];
            (_timesteps, _bits) = (new int[strata + 1][], new float[strata + 1][]);
            try
            {
                _images = Own(new Tensor(model.Device, shape, name: "images"));
                _noisy = Own(new Tensor(model.Device, shape, name: "x_t"));
                _target = Own(new Tensor(model.Device, shape, name: "the network's target"));
                _coefficients = Own(new Tensor(model.Device, new Shape(size, 4), name: "q_sample's coefficients"));
                _heard = Own(new Tensor(model.Device, new Shape(size), name: "timesteps"));
                _rows = Own(new Tensor(model.Device, new Shape(size, Device.BoundColumns), name: "the bound's rows"));
                _position = Own(new Tensor(model.Device, new Shape(2), DType.Int32, "position"));
                _perSample = Own(new Tensor(model.Device, new Shape(size), name: "bits"));
                _loss = Own(new Tensor(model.Device, new Shape(1), name: "mean of the bits"));
            }
            catch
            {
                Dispose();
                throw;
            }
        }

        public bool IsDone => _done == _strata + 1;

        public void Load(Action<int, float[]> read, Func<int, int>? label)
        {
            read(_first, _pixels);
            _images.Upload<float>(_pixels);
            if (_model.Classes > 0)
            {
                int[] rows = [.. Enumerable.Range(_first, _size).Select(i => Row(label?.Invoke(i) ?? -1))];
                _labels = Own(new Tensor(_model.Device, new Shape(_size), DType.Int32, "labels").Upload(rows));
            }
        }

        /// <summary>Computes a term of each image: L_0 for k = 0, else one of the k-th stratum.</summary>
        public void Evaluate(int k)
        {
            int[] timesteps = _timesteps[k] = [.. Enumerable.Range(_first, _size).Select(i => Timestep(i, k))];
            float[] coefficients = new float[4 * _size];
            TrainingTargets.Coefficients(_model.Process, timesteps, coefficients);
            double[] rows = new double[_size * Device.BoundColumns];
            for (int n = 0; n < _size; n++)
            {
                VariationalBound.Row(_model.Process, timesteps[n], _request.Variance, false, _request.Clip, rows.AsSpan(n * Device.BoundColumns, Device.BoundColumns));
            }
            _coefficients.Upload<float>(coefficients);
            _heard.Upload(timesteps);
            _rows.Upload(rows);
            // The noise of an image's term is that of its place among the terms, so that all terms have noise of their own.
            _position.Upload([k, _first]);
            _model.Device.AddNoise(_images, _coefficients, null, new RandomStream(_request.Seed, RandomPurpose.Noise, _position), _noisy, _target);
            using var prediction = _model.Predict(new NetworkInput(_noisy, _heard, new Condition(_labels)));
            _model.Device.GaussianBound(prediction, null, _noisy, _target, _rows, null, _perSample, _loss);
            _bits[k] = _perSample.ToArray();
            _done++;
        }

        public void AddTo(BoundResult result)
        {
            // A border that the network has around an image is part of what it codes, and none of the image's dimensions.
            double perDimension = (double)_elements / (_model.Height * _model.Width * _model.Channels);
            double factor = (double)(_model.Process.Schedule.Steps - 1) / _strata;
            for (int n = 0; n < _size; n++)
            {
                int image = n;
                double prior = VariationalBound.PriorBits(_model.Process.Schedule, _pixels.AsSpan(n * _elements, _elements));
                result.Add(prior * perDimension, Enumerable.Range(0, _strata + 1).Select(k => (_timesteps[k][image], _bits[k][image] * perDimension, k == 0 ? 1 : factor)));
            }
        }

        public void Dispose() => _owned.ForEach(tensor => tensor.Dispose());

        /// <summary>A timestep of the k-th of as many stretches of 1 … T−1 as there are strata, each as likely as its neighbours.</summary>
        private int Timestep(int image, int k)
        {
            if (k == 0)
            {
                return 0;
            }
            int terms = _model.Process.Schedule.Steps - 1;
            var bits = Philox.Block(new UInt4(0, (uint)image, (uint)k, (uint)RandomPurpose.Timestep), _request.Seed);
            // (k − 1 + u)/strata of the range, u in [0, 1) of 32 bits: one division, exactly.
            return 1 + (int)((((UInt128)(uint)(k - 1) << 32) + bits.X) * (uint)terms / ((UInt128)(uint)_strata << 32));
        }

        private int Row(int label) => label >= 0 ? _model.Rows.RowOf(label)
            : _model.Rows is { NoClass: { } row, IsTrained: true } ? row
            : throw new ConfigurationException("This model was trained with classes and never without, but the images have none. Evaluate it on data with labels.");

        private Tensor Own(Tensor tensor)
        {
            _owned.Add(tensor);
            return tensor;
        }
    }
}
