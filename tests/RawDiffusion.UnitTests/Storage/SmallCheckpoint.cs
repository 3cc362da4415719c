using System.Text.Json.Nodes;
using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

/// <summary>A checkpoint of a few tensors whose values tell which step it is of.</summary>
internal static class SmallCheckpoint
{
    public static readonly string[] TensorFiles = ["weights.safetensors", "ema.safetensors", "optimizer.safetensors"];

    private static readonly (string Name, long[] Shape)[] Tensors = [("conv.weight", [4, 3, 3, 2]), ("conv.bias", [4]), ("norm.weight", [2])];

    public static CheckpointContents At(long step) => new(
        step,
        [.. TensorFiles.Select(file => new TensorFile(file, [.. Tensors.Select(tensor =>
            TensorSource.Floats(tensor.Name, tensor.Shape, values => Fill(values, file, tensor.Name, step)))]))],
        new JsonObject { ["step"] = step, ["random"] = new JsonObject { ["seed"] = 12345678901234567UL }, ["rate"] = 2e-4 });

    /// <summary>Saves as the program does, but for the synchronising.</summary>
    public static string SaveTo(string folder, long step, CheckpointRetention? retention = null) =>
        new CheckpointFolder(folder, fileSystem: FaultyFileSystem.Sound()).Save(At(step), retention ?? new CheckpointRetention(Last: 100));

    public static void AssertIsAt(long step, Checkpoint checkpoint)
    {
        Assert.Equal(step, checkpoint.Step);
        Assert.Equal(step, checkpoint.State["step"]!.GetValue<long>());
        Assert.Equal(TensorFiles.Order(), checkpoint.TensorFileNames.Order());
        foreach (string file in TensorFiles)
        {
            var reader = checkpoint.Tensors(file);
            foreach (var (name, shape) in Tensors)
            {
                float[] expected = new float[shape.Aggregate(1L, (a, b) => a * b)];
                Fill(expected, file, name, step);
                Assert.Equal(shape, reader.Entry(name).Shape);
                Assert.Equal(expected, reader.ReadFloats(name));
            }
        }
    }

    private static void Fill(Span<float> values, string file, string name, long step)
    {
        for (int i = 0; i < values.Length; i++)
        {
            values[i] = step + (100 * i) + file.Length + (0.25f * name.Length);
        }
    }
}
