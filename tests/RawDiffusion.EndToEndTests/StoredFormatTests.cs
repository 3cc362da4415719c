using System.IO.Compression;
using RawDiffusion.Storage;
using RawDiffusion.Testing;

namespace RawDiffusion.EndToEndTests;

/// <summary>What the first version of the program wrote still loads, draws the same images and trains on to the same weights.</summary>
public sealed class StoredFormatTests
{
    [Theory]
    [InlineData("samples-ddim.npz")]
    [InlineData("samples-ddpm.npz", "--sampler", "ddpm", "--guidance", "1", "--class", "2")]
    [InlineData("samples-dpmpp.npz", "--sampler", "dpmpp_2m")]
    public void AnOldRunDrawsTheSameImages(string expected, params string[] options)
    {
        using var at = new Workspace();
        StoredFiles.Copy(Path.Combine(StoredFiles.Version1, "run"), at.At("run"));
        var result = at.Run(["sample", "run", "--out", "s.npz", "--seed", "3", "--device", "cpu", .. options]).Succeeded();
        AssertSameArchive(Path.Combine(StoredFiles.Version1, expected), at.At("s.npz"), result);
    }

    [Theory]
    [InlineData("run", 9)]
    [InlineData("pictures-run", 6)]
    public void AnOldRunGoesOnToTheSameWeights(string run, int steps)
    {
        using var at = new Workspace();
        StoredFiles.Copy(Path.Combine(StoredFiles.Version1, run), at.At(run));
        string config = File.ReadAllText(at.At(run, "config.json"));
        File.WriteAllText(at.At(run, "config.json"), config.Replace("\"/pictures\"", System.Text.Json.JsonSerializer.Serialize(Path.Combine(StoredFiles.Version1, "pictures"))));
        var result = at.Run("resume", run, "--steps", $"{steps}").Succeeded();
        using var expected = SafetensorsReader.Open(Path.Combine(StoredFiles.Version1, "resumed", run + ".safetensors"));
        using var actual = SafetensorsReader.Open(at.At(run, "checkpoints", $"step-{steps:D7}", "weights.safetensors"));
        Assert.Equal(expected.Names, actual.Names);
        double tolerance = IsSameInstructionSet(result) ? 0 : 1e-5;
        foreach (string name in expected.Names)
        {
            float[] e = expected.ReadFloats(name), a = actual.ReadFloats(name);
            Assert.Equal(e.Length, a.Length);
            double error = e.Zip(a, (x, y) => (double)Math.Abs(x - y)).Max();
            Assert.True(error <= tolerance, $"{name} is off by {error}");
        }
    }

    [Fact]
    public void AnOldRunExportsTheSameNetwork()
    {
        using var at = new Workspace();
        StoredFiles.Copy(Path.Combine(StoredFiles.Version1, "run"), at.At("run"));
        at.Run("export", "run", "--out", "exported").Succeeded();
        foreach (string file in (string[])["config.json", "diffusion_pytorch_model.safetensors"])
        {
            Assert.Equal(File.ReadAllBytes(Path.Combine(StoredFiles.Version1, "exported", "unet", file)), File.ReadAllBytes(at.At("exported", "unet", file)));
        }
    }

    private static bool IsSameInstructionSet(Result result) => result.Error.Contains(StoredFiles.InstructionSet, StringComparison.Ordinal);

    /// <summary>The same arrays: to the byte on the instruction set that made them, otherwise to within a level of grey.</summary>
    private static void AssertSameArchive(string expected, string actual, Result result)
    {
        using var e = ZipFile.OpenRead(expected);
        using var a = ZipFile.OpenRead(actual);
        Assert.Equal(e.Entries.Select(entry => entry.FullName), a.Entries.Select(entry => entry.FullName));
        int tolerance = IsSameInstructionSet(result) ? 0 : 1;
        foreach (var (first, second) in e.Entries.Zip(a.Entries))
        {
            byte[] x = Bytes(first), y = Bytes(second);
            Assert.Equal(x.Length, y.Length);
            int error = x.Zip(y, (p, q) => Math.Abs(p - q)).Max();
            Assert.True(error <= tolerance, $"{first.FullName} is off by {error}");
        }

        static byte[] Bytes(ZipArchiveEntry entry)
        {
            using var stream = entry.Open();
            using var memory = new MemoryStream();
            stream.CopyTo(memory);
            return memory.ToArray();
        }
    }
}
