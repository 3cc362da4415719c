using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.Pipelines;

/// <summary>Runs a network once on a file of inputs: its raw output, for comparison with other systems.</summary>
public static class Predictor
{
    /// <summary>
    /// Reads <c>sample</c> [N, C, H, W], <c>timestep</c> [N] (or one for all: [1] or []) and, for a network with classes, <c>class_labels</c> [N];
    /// writes <c>output</c> [N, C, H, W]. Timesteps may lie between whole numbers.
    /// </summary>
    /// <exception cref="DataException">A tensor is missing or of a wrong shape, or a label or timestep is out of range.</exception>
    /// <exception cref="StorageException">A file cannot be read or written.</exception>
    public static void Run(LoadedModel loaded, string input, string output)
    {
        using var reader = SafetensorsReader.Open(input);
        var model = loaded.Model;
        var network = model.Network.Config;
        long[] shape = Shape(reader, "sample");
        if (shape.Length != 4 || shape[0] < 1 || shape[1] != network.InChannels || shape[2] < 1 || shape[2] % network.SizeMultiple != 0 || shape[3] < 1 ||
            shape[3] % network.SizeMultiple != 0)
        {
            throw new DataException($"{input}: 'sample' is [{string.Join(", ", shape)}], but this network takes [N, {network.InChannels}, H, W] with H and W multiples " +
                $"of {network.SizeMultiple}.");
        }
        if (network.ClassEmbeddings is null && reader.Contains("class_labels"))
        {
            throw new DataException($"{input}: 'class_labels' is given, but this model has no classes. Leave it out, or use the model that it is for.");
        }
        var (n, c, h, w) = ((int)shape[0], (int)shape[1], (int)shape[2], (int)shape[3]);
        var device = model.Device;
        // The file holds planes as the network takes them: among the channels of the sample.
        using var x = new Tensor(device, new Shape(n, h, w, c), null, "sample").Upload(Transpose(reader.ReadFloats("sample"), n, c, h * w));
        using var t = new Tensor(device, new Shape(n), null, "timestep").Upload(Timesteps(reader, n));
        using var labels = network.ClassEmbeddings is { } classes
            ? new Tensor(device, new Shape(n), DType.Int32, "class_labels").Upload(Integers(reader, "class_labels", n, classes))
            : null;
        using var y = model.Answer(new NetworkInput(x, t, new Condition(labels)));
        float[] values = Transpose(y.ToArray(), n, h * w, network.OutChannels);
        AtomicFile.Write(DiskFileSystem.Instance, output, stream =>
            SafetensorsWriter.Write(stream, [TensorSource.Floats("output", [n, network.OutChannels, h, w], (ReadOnlyMemory<float>)values)]));
    }

    private static long[] Shape(SafetensorsReader reader, string name) => reader.Contains(name)
        ? reader.Entry(name).Shape
        : throw new DataException($"{reader.Path} has no tensor '{name}', only {string.Join(", ", reader.Names.Take(10))}. See the help of predict for what is expected.");

    private static float[] Timesteps(SafetensorsReader reader, int n)
    {
        long[] shape = Shape(reader, "timestep");
        if (shape.Length > 1 || (shape is [var count] && count != n && count != 1))
        {
            throw new DataException($"{reader.Path}: 'timestep' is [{string.Join(", ", shape)}], but there are {n} samples; expected is [{n}], or one for all.");
        }
        float[] values = reader.Entry("timestep").DType is TensorDType.F16 or TensorDType.BF16 or TensorDType.F32 or TensorDType.F64
            ? reader.ReadFloats("timestep")
            : Array.ConvertAll(reader.ReadInt64("timestep"), value => (float)value);
        return values.All(value => value >= 0 && float.IsFinite(value))
            ? values.Length == n ? values : [.. Enumerable.Repeat(values[0], n)]
            : throw new DataException($"{reader.Path}: 'timestep' holds {values.First(value => !(value >= 0) || !float.IsFinite(value))}; expected are numbers of at least 0.");
    }

    private static long[] Integers(SafetensorsReader reader, string name, int n, long limit)
    {
        long[] shape = Shape(reader, name);
        if (shape is not [var count] || count != n)
        {
            throw new DataException($"{reader.Path}: '{name}' is [{string.Join(", ", shape)}], but there are {n} samples.");
        }
        long[] values = reader.ReadInt64(name);
        return values.All(value => value >= 0 && value < limit)
            ? values
            : throw new DataException($"{reader.Path}: '{name}' holds {values.First(value => value < 0 || value >= limit)}; expected 0 to {limit - 1}.");
    }

    /// <summary>[n, rows, columns] to [n, columns, rows].</summary>
    private static float[] Transpose(float[] values, int n, int rows, int columns)
    {
        float[] result = new float[values.Length];
        for (int i = 0, k = 0; i < n; i++)
        {
            for (int r = 0; r < rows; r++)
            {
                for (int q = 0; q < columns; q++)
                {
                    result[((long)i * columns + q) * rows + r] = values[k++];
                }
            }
        }
        return result;
    }
}
