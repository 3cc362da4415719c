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
    public void ARunBesideItsClassFoldersIsNoClass()
    {
        using var at = new Workspace();
        WritePets(at, "", "cat", "dog");
        string[] train = ["train", "--data", ".", "--conditional", "--steps", "2", .. Workspace.Tiny];
        at.Run(train).Succeeded();
        string run = Path.Combine("runs", "0001-cifar10");
        var resumed = at.Run("resume", run, "--steps", "3").Succeeded();
        Assert.Contains("left out: runs/0001-cifar10/ (a training run, which is never data)", resumed.Error);
        Assert.Contains("labels: the classes 0 cat, 1 dog", at.Run(train).Succeeded().Error);
        Assert.True(File.Exists(at.At("runs", "0002-cifar10", "config.json")));
    }

    [Fact]
    public void DataThatMovedIsFoundAgainByEditingTheConfiguration()
    {
        using var at = new Workspace();
        WritePets(at, "pets", "cat", "dog");
        at.Train("run", 2, "--data", "pets").Succeeded();
        Directory.Move(at.At("pets"), at.At("animals"));
        at.Run("resume", "run", "--steps", "3").Refused(3, "If the data has moved, set data.path (of a run that goes on: in its config.json) to where it is now");
        string config = at.At("run", "config.json");
        File.WriteAllText(config, File.ReadAllText(config).Replace(at.At("pets"), at.At("animals"), StringComparison.Ordinal));
        at.Run("resume", "run", "--steps", "3").Succeeded();
    }

    [Fact]
    public void ClassesThatFilesTellAreLearnedByName()
    {
        using var at = new Workspace();
        WritePets(at, "pets", "one");
        at.Write(Path.Combine("pets", "one", "metadata.csv"), "file_name,label\n0.png,newt\n1.png,axolotl\n2.png,newt\n"u8.ToArray());
        var trained = at.Train("run", 2, "--data", "pets", "--conditional").Succeeded();
        Assert.Contains("The classes are those of the column label of one/metadata.csv.", trained.Error);
        Assert.Contains("labels: the classes 0 axolotl, 1 newt", trained.Error);
        at.Run("sample", "run", "--out", "newt.png", "--class", "newt", "--count", "1").Succeeded();
    }

    [Theory]
    [InlineData("plain")]
    [InlineData("cat")]
    public void ConditioningNeedsLabels(string only)
    {
        using var at = new Workspace();
        WritePets(at, "pets", only);
        at.Train("run", 2, "--data", "pets", "--conditional").Refused(2, "labels", "two class folders or more (one alone tells nothing)");
        Assert.False(Directory.Exists(at.At("run")));
    }

    private static void WritePets(Workspace at, string folder, params string[] classes)
    {
        foreach (string name in classes)
        {
            for (int i = 0; i < 3; i++)
            {
                at.Write(Path.Combine(folder, name, $"{i}.png"), PngWriter.Encode(new Image(8, 8, 3, [.. Enumerable.Range(0, 8 * 8 * 3).Select(k => (byte)(k * (i + 1)))])));
            }
        }
    }
}
