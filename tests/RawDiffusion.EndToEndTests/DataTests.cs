using System.Text.Json;
using RawDiffusion.Images;

namespace RawDiffusion.EndToEndTests;

public class DataTests
{
    private static JsonElement Config(Workspace at, string run) => JsonDocument.Parse(File.ReadAllText(at.At(run, "config.json"))).RootElement;

    [Fact]
    public void MnistsFilesTrainTheMnistPreset()
    {
        using var at = new Workspace();
        TinyMnist.Write(at, "mnist");
        at.Train("run", 2, "--data", "mnist").Succeeded();
        var config = Config(at, "run");
        Assert.Equal("mnist", config.GetProperty("preset").GetString());
        Assert.Equal(at.At("mnist"), Path.GetFullPath(config.GetProperty("data").GetProperty("path").GetString()!));
        Assert.Equal(50, config.GetProperty("dataset").GetProperty("count").GetInt32());
        Assert.False(config.GetProperty("network").GetProperty("conditional").GetBoolean());
        var grid = ImageDecoder.Default.Decode(File.ReadAllBytes(at.At("run", "samples", "step-0000002.png")));
        Assert.Equal((2 * 58 + 2, 1), (grid.Height, grid.Channels));

        at.Run("sample", "run", "--out", "x.png", "--class", "7").Refused(2, "trained without classes");
        at.Run("sample", "run", "--out", "x.png", "--guidance", "2").Refused(2, "trained without classes");

        // Other data would silently make another run.
        at.Write(Path.Combine("mnist", "train-labels-idx1-ubyte"), [.. TinyMnist.Labels(50)[..^1], 3]);
        at.Run("resume", "run", "--steps", "3").Refused(2, "fingerprint");
    }

    [Fact]
    public void LabelsConditionTheModelOnRequest()
    {
        using var at = new Workspace();
        TinyMnist.Write(at, "mnist");
        at.Train("run", 2, "--data", "mnist", "--conditional").Succeeded();
        at.Run("sample", "run", "--out", "seven.png", "--class", "7", "--guidance", "3", "--count", "1").Succeeded();
        at.Run("sample", "run", "--out", "x.png", "--class", "10").Refused(2, "--class is '10'", "the classes 0");
    }

    [Fact]
    public void ClassFoldersOfPicturesAreCountedAndOddSizesPadded()
    {
        using var at = new Workspace();
        foreach (string name in new[] { "cats", "dogs", "newts" })
        {
            for (int i = 0; i < 3; i++)
            {
                at.Write(Path.Combine("pets", name, $"{i}.png"), PngWriter.Encode(new Image(13, 9, 3, [.. Enumerable.Range(0, 13 * 9 * 3).Select(k => (byte)(2 * k))])));
            }
        }
        at.Train("run", 2, "--data", "pets", "--conditional", "--set", "sampling.count=1").Succeeded();
        var config = Config(at, "run");
        Assert.Equal("cifar10", config.GetProperty("preset").GetString());
        Assert.Equal(["cats", "dogs", "newts"], config.GetProperty("dataset").GetProperty("class_names").EnumerateArray().Select(name => name.GetString()));
        var grid = ImageDecoder.Default.Decode(File.ReadAllBytes(at.At("run", "samples", "step-0000002.png")));
        Assert.Equal((7 * 13 + 4, 7 * 9 + 4), (grid.Height, grid.Width));
        // The exported network draws what it was trained on: pictures with their padding.
        at.Run("export", "run", "--out", "exported").Succeeded();
        at.Run("sample", "exported", "--out", "drawn", "--count", "1", "--steps", "2").Succeeded();
        var drawn = ImageDecoder.Default.Decode(File.ReadAllBytes(at.At("drawn", "image-00000.png")));
        Assert.Equal((14, 10), (drawn.Height, drawn.Width));
    }

    [Fact]
    public void ConditioningNeedsLabels()
    {
        using var at = new Workspace();
        at.Write(Path.Combine("plain", "a.png"), PngWriter.Encode(new Image(8, 8, 1)));
        at.Train("run", 2, "--data", "plain", "--conditional").Refused(2, "labels");
        Assert.False(Directory.Exists(at.At("run")));
    }
}
