using RawDiffusion.Testing;

namespace RawDiffusion.EndToEndTests;

/// <summary>Sets of images that are not image files.</summary>
public sealed class SetFormatTests
{
    [Theory]
    [InlineData("samples.npz", "10 RGB images of 16×16 in 3 classes", "--conditional")]
    [InlineData("cifar-100-binary", "10 RGB images of 32×32 in 100 classes", "--conditional")]
    [InlineData("resize-up", "2 RGB images of 32×32", "--set", "data.resize=32")]
    [InlineData("resize-up", "2 RGB images of 20×28", "--set", "data.resize=[20,28]")]
    public void CasesAreRead(string name, string description, params string[] options)
    {
        string? path = SharedFiles.Find(Path.Combine("cases", name));
        Assert.SkipWhen(path is null, SharedFiles.Missing);
        using var at = new Workspace();
        Assert.Contains(description, at.Run(["train", "--data", path!, "--dry-run", "--device", "cpu", .. options]).Succeeded().Error);
    }

    [Fact]
    public void WhatSampleWroteCanBeTrainedOn()
    {
        using var at = new Workspace();
        StoredFiles.Copy(Path.Combine(StoredFiles.Version1, "run"), at.At("run"));
        at.Run("sample", "run", "--out", "drawn.npz", "--count", "4", "--steps", "2", "--device", "cpu").Succeeded();
        at.Train("again", 1, "--data", "drawn.npz", "--conditional", "--set", "data.resize=[16,20]").Succeeded();
        Assert.Contains("\"resize\": [\n      16,\n      20\n    ]", File.ReadAllText(at.At("again", "config.json")).ReplaceLineEndings("\n"));
        at.Run("resume", "again", "--steps", "2", "--device", "cpu").Succeeded();
    }

    [Fact]
    public void ParquetFilesOfTheHubAreTrainedOn()
    {
        using var at = new Workspace();
        at.Train("run", 1, "--data", Path.Combine(StoredFiles.Folder("sets"), "hub.parquet"), "--conditional").Succeeded();
        at.Run("sample", "run", "--out", "cat.png", "--class", "cat", "--count", "1", "--steps", "1", "--device", "cpu").Succeeded();
    }
}
