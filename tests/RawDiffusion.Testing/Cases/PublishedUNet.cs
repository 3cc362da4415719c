using RawDiffusion.Core;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Storage;
using Xunit;

namespace RawDiffusion.Testing;

/// <summary>
/// Published networks in their full size against values computed by diffusers. Their weights come from a formula, so that 450 MB need not be
/// stored: what is compared is a whole forward pass, and where it is known the loss and the norm of every tensor's gradient.
/// </summary>
public static class PublishedUNet
{
    private const double OutputTolerance = 2e-5, GradientTolerance = 1e-4;

    /// <summary>Weights, output and gradients.</summary>
    /// <param name="model">A folder of <c>shared/reference/pretrained-configs</c>.</param>
    /// <param name="device">Where.</param>
    public static void Agrees(string model, DeviceUnderTest device)
    {
        string? folder = SharedFiles.Find($"reference/pretrained-configs/{model}");
        Assert.SkipWhen(folder is null, SharedFiles.Missing);
        using var values = SafetensorsReader.Open(Path.Combine(folder!, "forward.safetensors"));
        using var published = DiffusersFolder.TryOpen(folder!)!;
        bool training = values.Contains("grad_norms");
        using var on = device.Create();
        var network = new UNet(DiffusersModel.Of(published).Network);
        using var parameters = new ParameterSet(network.Parameters, on, training);
        AssertWeights(values, Fill(parameters, (uint)values.ReadInt64("salt")[0]));

        var shape = Nhwc(values, "sample");
        using var x = new Tensor(on, shape).Upload(Images(values, "sample"));
        using var timesteps = new Tensor(on, new Shape(shape.N)).Upload(values.ReadInt64("timestep"));
        using var tape = new Tape(on, recording: training);
        var output = tape.Keep(network.Forward(tape, new NetworkInput(x, timesteps)));
        AssertClose("output", Images(values, "output"), output.ToArray<double>(), OutputTolerance);
        if (!training)
        {
            return;
        }
        using var target = new Tensor(on, shape).Upload(Images(values, "target"));
        var (loss, _) = tape.MeanSquaredError(output, target);
        tape.Backward(loss);
        Assert.Equal(values.ReadFloats("loss")[0], loss.ToArray<double>()[0], OutputTolerance * values.ReadFloats("loss")[0]);
        float[] norms = values.ReadFloats("grad_norms");
        // Below this the reference's own rounding is what is left of a gradient that should be zero.
        double noise = 1e-5 * norms.Max();
        foreach (var (k, parameter) in Sorted(parameters).Index())
        {
            double norm = Math.Sqrt(parameters.Slice(parameters.Gradients!, parameter.Name).ToArray<double>().Sum(value => value * value));
            Assert.True(Math.Abs(norm - norms[k]) <= GradientTolerance * norms[k] + noise, $"the gradient of {parameter.Name} has the norm {norm:g9} instead of {norms[k]:g9}");
        }
    }

    private static IEnumerable<Parameter> Sorted(ParameterSet parameters) => parameters.Parameters.OrderBy(parameter => parameter.Name, StringComparer.Ordinal);

    /// <summary>Fills the weights, and returns each tensor in the file's layout in the order of names.</summary>
    private static List<float[]> Fill(ParameterSet parameters, uint salt)
    {
        var tensors = new List<float[]>();
        foreach (var parameter in Sorted(parameters))
        {
            var shape = parameter.Shape;
            double fanIn = (double)shape.Count / shape[0];
            bool isBias = shape.Rank == 1 && parameter.Name.EndsWith(".bias", StringComparison.Ordinal);
            uint seed = 0x9E3779B9u * ((uint)tensors.Count + salt);
            float[] values = new float[shape.Count];
            for (int i = 0; i < values.Length; i++)
            {
                double u = Uniform((uint)i + seed);
                values[i] = (float)(shape.Rank > 1 ? u * Math.Sqrt(1.5 / fanIn) : isBias ? 0.1 * u : 1 + 0.1 * u);
            }
            tensors.Add(values);
            float[] own = values;
            if (shape.Rank == 4)
            {
                own = new float[values.Length];
                Layout.OihwToOhwi(values, own, shape.C, shape.Positions);
            }
            parameters.Slice(parameters.Values, parameter.Name).Upload(own);
        }
        return tensors;
    }

    /// <summary>A number in [−1, 1) of a 32-bit one: an integer hash.</summary>
    private static double Uniform(uint x)
    {
        x ^= x >> 16;
        x *= 0x7FEB352D;
        x ^= x >> 15;
        x *= 0x846CA68B;
        x ^= x >> 16;
        return x / 2147483648.0 - 1;
    }

    private static void AssertWeights(SafetensorsReader values, List<float[]> tensors)
    {
        float[] sums = values.ReadFloats("tensor_sums");
        Assert.Equal(sums.Length, tensors.Count);
        Assert.Equal(values.ReadFloats("first_weights"), tensors[0][..16]);
        foreach (var (k, tensor) in tensors.Index())
        {
            double sum = tensor.Sum(value => (double)value);
            Assert.True(Math.Abs(sum - sums[k]) <= 1e-4 * Math.Sqrt(tensor.Length), $"tensor {k} sums to {sum} instead of {sums[k]}");
        }
    }

    private static Shape Nhwc(SafetensorsReader values, string name)
    {
        long[] extents = values.Entry(name).Shape;
        return new Shape((int)extents[0], (int)extents[2], (int)extents[3], (int)extents[1]);
    }

    private static float[] Images(SafetensorsReader values, string name)
    {
        var shape = Nhwc(values, name);
        float[] nchw = values.ReadFloats(name), nhwc = new float[nchw.Length];
        Layout.OihwToOhwi(nchw, nhwc, shape.C, shape.Positions);
        return nhwc;
    }

    private static void AssertClose(string name, float[] expected, double[] actual, double tolerance)
    {
        Assert.Equal(expected.Length, actual.Length);
        double scale = expected.Max(MathF.Abs), worst = expected.Zip(actual, (e, a) => Math.Abs(e - a)).Max();
        Assert.True(worst <= tolerance * scale, $"{name}: off by {worst:g3}, the largest value is {scale:g3}");
    }
}
