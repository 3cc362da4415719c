using System.Text.Json.Nodes;
using RawDiffusion.Testing;

namespace RawDiffusion.EndToEndTests;

/// <summary>Models in the layout of diffusers with something particular about them: followed, or refused by name.</summary>
public sealed class DiffusersCaseTests
{
    private static readonly string[] Draw = ["--count", "2", "--steps", "2", "--device", "cpu"];

    [Theory]
    [InlineData("hub-learned-range", 2, "learned_range")]
    [InlineData("hub-nan", 6, "conv_out.bias")]
    [InlineData("hub-flow-scheduler", 2, "FlowMatchEulerDiscreteScheduler")]
    [InlineData("hub-latent", 2, "vqvae")]
    [InlineData("hub-ema-only", 6, "unet_ema")]
    public void WhatCannotBeDrawnIsRefusedByName(string model, int exitCode, string named)
    {
        using var at = new Workspace();
        at.Run(["sample", Case(model), "--out", "x.npz", .. Draw]).Refused(exitCode, named);
        Assert.False(File.Exists(at.At("x.npz")));
    }

    [Theory]
    [InlineData("hub-trailing", "timestep_spacing", "\"trailing\"")]
    [InlineData("hub-clip-range", "clip_sample_range", "2")]
    [InlineData("hub-sharded", "variance_type", "\"fixed_large\"")]
    public void AnExportKeepsWhatTheSchedulerSays(string model, string key, string value)
    {
        using var at = new Workspace();
        at.Run("export", Case(model), "--out", "again").Succeeded();
        var scheduler = JsonNode.Parse(File.ReadAllText(at.At("again", "scheduler", "scheduler_config.json")))!;
        Assert.Equal(value, scheduler[key]!.ToJsonString());
        Assert.Equal("DDPMScheduler", scheduler["_class_name"]!.GetValue<string>());
        at.Run(["sample", Case(model), "--out", "a.npz", .. Draw]).Succeeded();
        at.Run(["sample", "again", "--out", "b.npz", .. Draw]).Succeeded();
        Assert.Equal(File.ReadAllBytes(at.At("a.npz")), File.ReadAllBytes(at.At("b.npz")));
        // A card that leads to other machines, or names this one, helps nobody.
        Assert.DoesNotContain(at.Folder, File.ReadAllText(at.At("again", "README.md")));
    }

    [Fact]
    public void AModelsSpacingIsTheDefault()
    {
        using var at = new Workspace();
        string model = Case("hub-trailing");
        at.Run(["sample", model, "--out", "own.npz", .. Draw]).Succeeded();
        foreach (string spacing in (string[])["trailing", "leading"])
        {
            at.Run(["sample", model, "--out", spacing + ".npz", "--spacing", spacing, .. Draw]).Succeeded();
        }
        Assert.Equal(File.ReadAllBytes(at.At("own.npz")), File.ReadAllBytes(at.At("trailing.npz")));
        Assert.NotEqual(File.ReadAllBytes(at.At("own.npz")), File.ReadAllBytes(at.At("leading.npz")));
    }

    [Fact]
    public void WithoutANullRowAllRowsAreClassesAndThereIsNoGuidance()
    {
        using var at = new Workspace();
        string model = Case("hub-two-classes-no-null");
        at.Run(["sample", model, "--out", "one.npz", "--class", "1", .. Draw]).Succeeded();
        at.Run(["sample", model, "--out", "zero.npz", "--class", "0", .. Draw]).Succeeded();
        Assert.NotEqual(File.ReadAllBytes(at.At("one.npz")), File.ReadAllBytes(at.At("zero.npz")));
        at.Run(["sample", model, "--out", "x.npz", "--class", "2", .. Draw]).Refused(2);
        at.Run(["sample", model, "--out", "x.npz", "--guidance", "2", .. Draw]).Refused(2, "which of the 2 rows");
        at.Run("export", model, "--out", "again").Succeeded();
        at.Run(["sample", "again", "--out", "again.npz", "--class", "1", .. Draw]).Succeeded();
        Assert.Equal(File.ReadAllBytes(at.At("one.npz")), File.ReadAllBytes(at.At("again.npz")));

        // Told which row it is, one class is left, and guidance is possible.
        string index = at.At("again", "model_index.json");
        File.WriteAllText(index, File.ReadAllText(index).Replace("\"no_class\": null", "\"no_class\": 0"));
        at.Run(["sample", "again", "--out", "left.npz", "--class", "0", .. Draw]).Succeeded();
        Assert.Equal(Npz.Bytes(at.At("one.npz"), "arr_0"), Npz.Bytes(at.At("left.npz"), "arr_0"));
        at.Run(["sample", "again", "--out", "guided.npz", "--guidance", "2", .. Draw]).Succeeded();
        at.Run(["sample", "again", "--out", "x.npz", "--class", "1", .. Draw]).Refused(2);
    }

    [Fact]
    public void LabelsForAModelWithoutClassesAreRefused()
    {
        using var at = new Workspace();
        at.Run("predict", Case("hub-trailing"), "--input", Case("labels-for-unlabelled.safetensors"), "--output", "y.safetensors", "--device", "cpu").Refused(3, "class_labels", "no classes");
    }

    [Fact]
    public void GuidanceWithoutDroppedLabelsIsRefused()
    {
        using var at = new Workspace();
        at.Train("run", 1, "--set", "diffusion.label_dropout=0").Refused(2, "sampling.guidance is 2 with diffusion.label_dropout 0");
        at.Train("run", 1, "--set", "diffusion.label_dropout=0", "--set", "sampling.guidance=1").Succeeded();
        at.Run(["sample", "run", "--out", "x.npz", "--guidance", "3", .. Draw]).Refused(2, "without dropping labels");
        at.Run(["sample", "run", "--out", "x.npz", .. Draw]).Succeeded();
        at.Run("export", "run", "--out", "exported").Succeeded();
        at.Run(["sample", "exported", "--out", "x.npz", "--guidance", "3", .. Draw]).Refused(2, "without dropping labels");
        at.Run(["sample", "exported", "--out", "y.npz", .. Draw]).Succeeded();
        Assert.Equal(File.ReadAllBytes(at.At("x.npz")), File.ReadAllBytes(at.At("y.npz")));
    }

    [Fact]
    public void AnExportDrawsAsItsRunDoes()
    {
        using var at = new Workspace();
        StoredFiles.Copy(Path.Combine(StoredFiles.Version1, "run"), at.At("run"));
        at.Run("export", "run", "--out", "exported").Succeeded();
        at.Run("sample", "run", "--out", "a.npz", "--device", "cpu").Succeeded();
        at.Run("sample", "exported", "--out", "b.npz", "--count", "4", "--device", "cpu").Succeeded();
        Assert.Equal(File.ReadAllBytes(at.At("a.npz")), File.ReadAllBytes(at.At("b.npz")));
        Assert.Contains("class ClassConditionalPipeline(DiffusionPipeline)", File.ReadAllText(at.At("exported", "pipeline.py")));
        Assert.Contains("pipeline.py", File.ReadAllText(at.At("exported", "README.md")));
    }

    private static string Case(string name)
    {
        string? path = SharedFiles.Find(Path.Combine("cases", name));
        Assert.SkipWhen(path is null, SharedFiles.Missing);
        return path!;
    }
}
