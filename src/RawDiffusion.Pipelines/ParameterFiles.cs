using RawDiffusion.Core;
using RawDiffusion.Models;
using RawDiffusion.Storage;

namespace RawDiffusion.Pipelines;

/// <summary>
/// Moves a network's arenas to and from files. Files hold diffusers' names and layout (convolutions [out, in, h, w]), also in checkpoints,
/// so that any tool of the field can read them.
/// </summary>
public static class ParameterFiles
{
    /// <summary>An arena's parameters as tensors to write, each downloaded when its turn comes.</summary>
    /// <param name="set">The network's parameters.</param>
    /// <param name="arena">Which of the set's arenas.</param>
    /// <param name="prefix">Put before every name.</param>
    public static IEnumerable<TensorSource> Sources(ParameterSet set, Tensor arena, string prefix = "") =>
        set.Parameters.Select(parameter => TensorSource.Floats(prefix + parameter.Name, FileShape(parameter.Shape), target => Download(set.Slice(arena, parameter.Name), target)));

    /// <summary>Fills an arena from a file.</summary>
    /// <param name="set">The network's parameters.</param>
    /// <param name="arena">Which of the set's arenas.</param>
    /// <param name="names">The names that the file has.</param>
    /// <param name="shapeOf">A tensor's extents in the file.</param>
    /// <param name="read">Reads a tensor as single-precision numbers.</param>
    /// <param name="source">The file, as messages name it.</param>
    /// <param name="prefix">Put before every name.</param>
    /// <exception cref="StorageException">Tensors are missing, unknown or of other shapes; all are listed. Or one holds something else than finite numbers.</exception>
    public static void Load(
        ParameterSet set, Tensor arena, IEnumerable<string> names, Func<string, IReadOnlyList<long>> shapeOf, Func<string, float[]> read, string source, string prefix = "")
    {
        var found = names.Where(name => name.StartsWith(prefix, StringComparison.Ordinal)).ToHashSet();
        var problems = new List<string>();
        foreach (var parameter in set.Parameters)
        {
            string name = prefix + parameter.Name;
            if (!found.Remove(name))
            {
                problems.Add($"'{name}' is missing");
            }
            else if (!shapeOf(name).SequenceEqual(FileShape(parameter.Shape)))
            {
                problems.Add($"'{name}' is [{string.Join(", ", shapeOf(name))}] instead of [{string.Join(", ", FileShape(parameter.Shape))}]");
            }
        }
        problems.AddRange(found.Order(StringComparer.Ordinal).Select(name => $"'{name}' belongs to no layer"));
        if (problems.Count > 0)
        {
            string more = problems.Count > 10 ? $" and {problems.Count - 10} more" : "";
            throw new StorageException($"{source} does not hold the weights of this network: {string.Join("; ", problems.Take(10))}{more}. Use the configuration that " +
                "the file was saved with.");
        }
        foreach (var parameter in set.Parameters)
        {
            float[] values = read(prefix + parameter.Name);
            if (Array.FindIndex(values, value => !float.IsFinite(value)) is >= 0 and var bad)
            {
                throw new StorageException(
                    $"{source} holds {values[bad]} in '{prefix + parameter.Name}', where a network has finite numbers: what made it went wrong. Use an earlier " +
                        $"state of the model.");
            }
            Upload(values, set.Slice(arena, parameter.Name));
        }
    }

    /// <summary>Fills an arena from one of a checkpoint's files.</summary>
    /// <exception cref="StorageException">The file is damaged, or does not hold these weights.</exception>
    public static void Load(Checkpoint checkpoint, string file, ParameterSet set, Tensor arena, string prefix = "")
    {
        var reader = checkpoint.Tensors(file);
        Load(set, arena, reader.Names, name => reader.Entry(name).Shape, reader.ReadFloats, reader.Path, prefix);
    }

    /// <summary>Fills a set's weights from a folder of diffusers.</summary>
    /// <exception cref="StorageException">The files are damaged, or do not hold these weights.</exception>
    public static void Load(DiffusersFolder folder, ParameterSet set) =>
        Load(set, set.Values, folder.Weights.Names, folder.Weights.ShapeOf, folder.Weights.ReadFloats, folder.Weights.Path);

    /// <summary>Fills a set's weights from a model of the same network: its moving average, where it has one.</summary>
    /// <param name="path">A run folder, a checkpoint or a folder of diffusers.</param>
    /// <param name="set">The network's parameters.</param>
    /// <exception cref="ConfigurationException">The path is no model.</exception>
    /// <exception cref="StorageException">The files are damaged, or do not hold these weights.</exception>
    public static void Load(string path, ParameterSet set)
    {
        using var location = ModelLocation.Resolve(path);
        if (location.Diffusers is { } folder)
        {
            Load(folder, set);
        }
        else
        {
            Load(location.Checkpoint!, "ema.safetensors", set, set.Values);
        }
    }

    /// <summary>A tensor's extents in a file.</summary>
    public static long[] FileShape(Shape shape) =>
        shape.Rank == 4 ? [shape[0], shape[3], shape[1], shape[2]] : [.. shape.ToArray().Select(extent => (long)extent)];

    private static void Download(Tensor tensor, Span<float> target)
    {
        if (tensor.Shape.Rank != 4)
        {
            tensor.Download(target);
            return;
        }
        Layout.OhwiToOihw(tensor.ToArray(), target, tensor.Shape.C, tensor.Shape.Positions);
    }

    private static void Upload(float[] values, Tensor tensor)
    {
        if (tensor.Shape.Rank == 4)
        {
            float[] reordered = new float[values.Length];
            Layout.OihwToOhwi(values, reordered, tensor.Shape.C, tensor.Shape.Positions);
            values = reordered;
        }
        tensor.Upload(values);
    }
}
