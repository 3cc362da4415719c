using RawDiffusion.Testing;

namespace RawDiffusion.EndToEndTests;

/// <summary>A user of diffusers draws from an exported model what `sample` draws: against pictures that diffusers drew, from the same noise.</summary>
public sealed class DiffusersPicturesTests
{
    /// <summary>Bytes of an image may be one level off where a value lies on the border of two: PyTorch sums in another order.</summary>
    private const int OffByOne = 4;

    [Theory]
    [InlineData("epsilon-ddim")]
    [InlineData("v-dpmpp")]
    [InlineData("classes-ddim")]
    public void DiffusersDrawsTheSamePictures(string model)
    {
        using var at = new Workspace();
        string folder = Path.Combine(StoredFiles.Folder("diffusers"), model);
        at.Run("sample", folder, "--count", "8", "--steps", "20", "--seed", "3", "--device", "cpu", "--out", "ours.npz").Succeeded();
        byte[] expected = Npz.Bytes(Path.Combine(folder, "images.npz"), "arr_0"), actual = Npz.Bytes(at.At("ours.npz"), "arr_0");
        Assert.Equal(8 * 32 * 32 * 3, expected.Length);
        Assert.Equal(expected.Length, actual.Length);
        int[] errors = [.. expected.Zip(actual, (e, a) => Math.Abs(e - a))];
        Assert.InRange(errors.Max(), 0, 1);
        Assert.InRange(errors.Count(error => error > 0), 0, OffByOne);
    }

    /// <summary>The stored folders are still what `export` writes, so that the pictures above speak of today's exports.</summary>
    [Theory]
    [InlineData("epsilon-ddim")]
    [InlineData("v-dpmpp")]
    [InlineData("classes-ddim")]
    public void AnExportIsWhatDiffusersDrewFrom(string model)
    {
        using var at = new Workspace();
        string folder = Path.Combine(StoredFiles.Folder("diffusers"), model);
        at.Run("export", folder, "--out", "again").Succeeded();
        string[] files = [.. Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Select(file => Path.GetRelativePath(folder, file)).Where(file => file != "images.npz")];
        Assert.Contains("model_index.json", files);
        Assert.All(files, file => Assert.Equal(File.ReadAllBytes(Path.Combine(folder, file)), File.ReadAllBytes(at.At("again", file))));
    }
}
