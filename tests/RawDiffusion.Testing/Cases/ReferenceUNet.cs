using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Storage;
using RawDiffusion.Training;
using Xunit;

namespace RawDiffusion.Testing;

/// <summary>
/// The whole U-Net against values computed by diffusers: output, loss, every gradient, and five training steps with
/// their losses, gradient norms, final weights and moving averages.
/// </summary>
public static class ReferenceUNet
{
    private const double Tolerance = 2e-4, LearningRate = 2e-4;

    /// <summary>The reference models: folders of <c>shared/reference</c>.</summary>
    public static IReadOnlyList<string> Models { get; } = ["unet-cifar-style", "unet-class-multihead"];

    /// <summary>Networks with other inputs or outputs than images have channels, and of other shapes: of these there is one batch each.</summary>
    public static IReadOnlyList<string> Variants { get; } =
        ["unet-variants/condition-6-in-3-out", "unet-variants/learned-range-3-in-6-out", "unet-variants/mid-attention-groups-12x20", "unet-variants/no-mid-attention-12x20"];

    /// <summary>Output, loss and every gradient of one batch, where it is known also that of the images; nothing may be left on the device.</summary>
    public static void ForwardAndBackwardAgree(string model, DeviceUnderTest device)
    {
        using var setup = new Setup(model, device);
        using var values = SafetensorsReader.Open(Path.Combine(setup.Folder, "forward_backward.safetensors"));
        using var x = setup.Upload(values, "sample");
        using var target = setup.Upload(values, "target");
        using var timesteps = new Tensor(setup.Device, new Shape(x.Shape.N)).Upload(values.ReadInt64("timestep"));
        using var labels = values.Contains("class_labels") ? new Tensor(setup.Device, new Shape(x.Shape.N), DType.Int32).Upload(values.ReadInt64("class_labels")) : null;

        int before = setup.Device.Memory.LiveBlocks;
        x.RequiresGradient = values.Contains("grad_sample");
        using (var tape = new Tape(setup.Device, recording: true))
        {
            var output = tape.Keep(setup.Network.Forward(tape, new NetworkInput(x, timesteps, new Condition(labels))));
            var (loss, _) = tape.MeanSquaredError(output, target);
            tape.Backward(loss);
            AssertClose("output", setup.ExpectedImages(values, "output"), output.ToArray<double>());
            AssertClose("loss", values.ReadFloats("loss"), loss.ToArray<double>());
            if (x.RequiresGradient)
            {
                AssertClose("the images' gradient", setup.ExpectedImages(values, "grad_sample"), tape.Gradient(x).ToArray<double>());
            }
        }
        foreach (var source in ParameterFiles.Sources(setup.Parameters, setup.Parameters.Gradients!))
        {
            AssertClose(source.Name, values.ReadFloats("grad." + source.Name), Floats(source));
        }
        Assert.Equal(before, setup.Device.Memory.LiveBlocks);
    }

    /// <summary>Losses, gradient norms, weights and moving averages of five steps.</summary>
    public static void FiveTrainingStepsAgree(string model, DeviceUnderTest device)
    {
        using var setup = new Setup(model, device);
        using var values = SafetensorsReader.Open(Path.Combine(setup.Folder, "training_run.safetensors"));
        float[] losses = values.ReadFloats("losses"), norms = values.ReadFloats("grad_norms"), x0 = values.ReadFloats("x0"), noise = values.ReadFloats("noise");
        long[] timesteps = values.ReadInt64("timesteps");
        long[]? labels = values.Contains("class_labels") ? values.ReadInt64("class_labels") : null;
        long[] extents = values.Entry("x0").Shape;
        var shape = new Shape((int)extents[1], (int)extents[3], (int)extents[4], (int)extents[2]);
        int size = (int)shape.Count, n = shape.N;
        using var adam = new Adam(setup.Parameters, new AdamOptions());
        using var epsilon = new Tensor(setup.Device, shape);
        using var objective = new SimpleObjective(setup.Network.Forward, new DiffusionConfig().Process(), setup.Device, shape, new SimpleObjectiveOptions
        {
            ClassEmbeddings = setup.Network.Config.ClassEmbeddings,
            Timesteps = (in step, _, drawn) => Integers(timesteps, (int)step.Step, n).CopyTo(drawn),
            Noise = epsilon,
        });
        using var step = new TrainingStep(objective, adam, setup.Device, shape, 0);

        for (int s = 0; s < losses.Length; s++)
        {
            epsilon.Upload(Nhwc(noise.AsSpan(s * size, size), shape));
            var batch = new FeedBatch { Count = n, Images = Nhwc(x0.AsSpan(s * size, size), shape), Labels = labels is null ? default : Integers(labels, s, n) };
            var result = step.Run(batch, s, LearningRate, 0.99);
            Assert.Equal(losses[s], result.Loss, Tolerance * losses[s]);
            Assert.Equal(norms[s], result.GradNorm, Tolerance * norms[s]);
        }
        foreach (var source in ParameterFiles.Sources(setup.Parameters, setup.Parameters.Values))
        {
            AssertClose(source.Name, values.ReadFloats("trained." + source.Name), Floats(source), trained: true);
        }
        foreach (var source in ParameterFiles.Sources(setup.Parameters, setup.Parameters.Ema!))
        {
            AssertClose("ema." + source.Name, values.ReadFloats("ema." + source.Name), Floats(source), trained: true);
        }
    }

    private static int[] Integers(long[] values, int step, int count) => [.. values.AsSpan(step * count, count).ToArray().Select(value => (int)value)];

    private static double[] Floats(TensorSource source)
    {
        using var stream = new MemoryStream();
        SafetensorsWriter.Write(stream, [source]);
        var bytes = stream.ToArray().AsSpan();
        return [.. System.Runtime.InteropServices.MemoryMarshal.Cast<byte, float>(bytes[^(int)source.Length..]).ToArray().Select(v => (double)v)];
    }

    /// <summary>
    /// The largest difference, relative to the largest value of the tensor. Adam divides a gradient by its own size, so that where one is all but
    /// zero the reference's rounding decides the update: of every 5,000 trained weights one may be off by one update.
    /// </summary>
    private static void AssertClose(string name, float[] expected, double[] actual, bool trained = false)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = expected.Max(MathF.Abs);
        double[] worst = [.. expected.Zip(actual, (e, a) => Math.Abs(e - a)).OrderDescending()];
        int uncertain = trained ? expected.Length / 5000 : 0;
        Assert.True(worst[0] <= (uncertain > 0 ? LearningRate : Tolerance * scale + 1e-9), $"{name}: off by {worst[0]:g3}, the largest value is {scale:g3}");
        Assert.True(worst[uncertain] <= Tolerance * scale + 1e-9, $"{name}: off by {worst[uncertain]:g3} at more than {uncertain} elements, the largest value is {scale:g3}");
    }

    private static float[] Nhwc(ReadOnlySpan<float> nchw, Shape shape)
    {
        float[] result = new float[nchw.Length];
        Layout.OihwToOhwi(nchw, result, shape.C, shape.Positions);
        return result;
    }

    private sealed class Setup : IDisposable
    {
        public Setup(string model, DeviceUnderTest device)
        {
            string? folder = SharedFiles.Find($"reference/{model}");
            Assert.SkipWhen(folder is null, SharedFiles.Missing);
            Folder = folder!;
            Device = device.Create();
            Device.PoisonNewTensors = true;
            using var diffusers = DiffusersFolder.TryOpen(folder!)!;
            Network = new UNet(DiffusersModel.Of(diffusers).Network);
            Parameters = new ParameterSet(Network.Parameters, Device, training: true);
            ParameterFiles.Load(diffusers, Parameters);
            Parameters.Ema!.CopyFrom(Parameters.Values);
        }

        public string Folder { get; }

        public Device Device { get; }

        public UNet Network { get; }

        public ParameterSet Parameters { get; }

        public Tensor Upload(SafetensorsReader values, string name)
        {
            long[] extents = values.Entry(name).Shape;
            var shape = new Shape((int)extents[0], (int)extents[2], (int)extents[3], (int)extents[1]);
            return new Tensor(Device, shape, null, name).Upload(Nhwc(values.ReadFloats(name), shape));
        }

        public float[] ExpectedImages(SafetensorsReader values, string name)
        {
            long[] extents = values.Entry(name).Shape;
            return Nhwc(values.ReadFloats(name), new Shape((int)extents[0], (int)extents[2], (int)extents[3], (int)extents[1]));
        }

        public void Dispose()
        {
            Parameters.Dispose();
            Device.Dispose();
        }
    }
}
