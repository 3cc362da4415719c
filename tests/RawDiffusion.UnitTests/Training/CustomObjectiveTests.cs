using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Testing;
using RawDiffusion.Training;

namespace RawDiffusion.UnitTests.Training;

/// <summary>A network, an objective and a data set of a user's own, trained by the library's step and feed without touching the library.</summary>
public class CustomObjectiveTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(long.MaxValue)]
    public void ANetworkWithoutAnythingOfTheUNetLearns(long dataSetBytes)
    {
        using var device = new HostDevice(dataSetBytes);
        var network = new Blur();
        using var parameters = new ParameterSet(network.Parameters, device, training: true);
        parameters.Initialize(1);
        using var adam = new Adam(parameters, new AdamOptions());
        var images = new Shape(4, 6, 5, 3);
        using var objective = new Denoising(network, device, images);
        using var feed = BatchFeed.Open(new Stripes(), device, new BatchLoaderOptions { BatchSize = 4, Seed = 1, Flip = true });
        using var step = new TrainingStep(objective, adam, device, images, seed: 1);
        double[] losses = [.. Enumerable.Range(0, 200).Select(i => step.Run(feed.Next(), i, 1e-2, 0.9).Loss)];
        // Half the noise's variance can be told from stripes by looking at the neighbours.
        Assert.True(losses[^20..].Average() < 0.4 * losses[..5].Average(), $"from {losses[..5].Average()} to {losses[^20..].Average()}");
        Assert.Equal(800, feed.Cursor);
    }

    private sealed class HostDevice(long dataSetBytes) : ReferenceDevice
    {
        public override long DataSetBytes => dataSetBytes;
    }

    private sealed class Blur : Module
    {
        private readonly Conv2dLayer _conv;

        public Blur() => _conv = Declare(new Conv2dLayer("blur", 3, 3));

        public Tensor Forward(Tape tape, Tensor x) => _conv.Forward(tape, x);
    }

    /// <summary>Takes noise of one strength off an image.</summary>
    private sealed class Denoising : Objective
    {
        private readonly Blur _network;
        private readonly Tensor _noisy, _image, _coefficients;

        public Denoising(Blur network, Device device, Shape images)
        {
            _network = network;
            _noisy = new Tensor(device, images);
            _image = new Tensor(device, images);
            _coefficients = new Tensor(device, new Shape(images.N, 4)).Upload([.. Enumerable.Range(0, images.N).SelectMany(_ => (float[])[1, 0.5f, 1, 0])]);
        }

        public override void Prepare(in StepNumbers step) => Assert.Equal(4, step.Samples);

        public override Losses Forward(Tape tape, in TrainingBatch batch)
        {
            Assert.Null(batch.Labels);
            batch.AddNoise(_coefficients, null, _noisy, _image);
            return new Losses(("error", tape.MeanSquaredError(_network.Forward(tape, _noisy), _image).Loss));
        }

        public override void Dispose()
        {
            _noisy.Dispose();
            _image.Dispose();
            _coefficients.Dispose();
            base.Dispose();
        }
    }

    /// <summary>Images of one colour a row.</summary>
    private sealed class Stripes : IDataset
    {
        public int Count => 16;

        public int Height => 6;

        public int Width => 5;

        public int Channels => 3;

        public IReadOnlyList<string> ClassNames => [];

        public string Description => "stripes";

        public string Fingerprint => "stripes";

        public int Label(int index) => -1;

        public void Read(int index, Span<byte> hwc)
        {
            for (int i = 0; i < hwc.Length; i++)
            {
                hwc[i] = (byte)(index * 16 + i / 15 * 3);
            }
        }
    }
}
