using System.Text.Json.Nodes;
using RawDiffusion.Storage;
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
    public void WeightsInPartsOrOfAVariantDrawTheSame()
    {
        using var at = new Workspace();
        StoredFiles.Copy(Case("hub-trailing"), at.At("variant"));
        string unet = at.At("variant", "unet"), weights = Path.Combine(unet, "diffusion_pytorch_model.safetensors");
        File.Move(weights, Path.Combine(unet, "diffusion_pytorch_model.fp16.safetensors"));
        at.Run(["sample", Case("hub-trailing"), "--out", "a.npz", .. Draw]).Succeeded();
        Assert.Contains("variant fp16", at.Run(["sample", "variant", "--out", "b.npz", .. Draw]).Succeeded().Error);
        Assert.Equal(File.ReadAllBytes(at.At("a.npz")), File.ReadAllBytes(at.At("b.npz")));

        at.Run("export", Case("hub-sharded"), "--out", "whole").Succeeded();
        at.Run(["sample", Case("hub-sharded"), "--out", "c.npz", .. Draw]).Succeeded();
        at.Run(["sample", "whole", "--out", "d.npz", .. Draw]).Succeeded();
        Assert.Equal(File.ReadAllBytes(at.At("c.npz")), File.ReadAllBytes(at.At("d.npz")));

        File.Move(Path.Combine(unet, "diffusion_pytorch_model.fp16.safetensors"), Path.Combine(unet, "diffusion_pytorch_model.bin"));
        at.Run(["sample", "variant", "--out", "x.npz", .. Draw]).Refused(6, "torch.load('diffusion_pytorch_model.bin'");
    }

    [Fact]
    public void WhatIsAssumedIsSaid()
    {
        using var at = new Workspace();
        StoredFiles.Copy(Case("hub-trailing"), at.At("model"));
        string unet = at.At("model", "unet"), config = Path.Combine(unet, "config.json");
        string said = at.Run(["sample", unet, "--out", "a.npz", .. Draw]).Succeeded().Error;
        Assert.Contains("has no scheduler_config.json, so images are drawn as the defaults of DDPMScheduler say", said);
        Assert.Contains($"{at.At("model")} has one: name that folder", said);
        Assert.DoesNotContain("sample_size", said);

        var json = JsonNode.Parse(File.ReadAllText(config))!.AsObject();
        json.Remove("sample_size");
        File.WriteAllText(config, json.ToJsonString());
        said = at.Run(["sample", "model", "--out", "b.npz", .. Draw]).Succeeded().Error;
        Assert.Contains("has no sample_size, so images are drawn at 32×32", said);
        Assert.DoesNotContain("scheduler_config.json", said);
    }

    [Fact]
    public void TimestepsMayBeOneForAllAndLieBetween()
    {
        using var at = new Workspace();
        float[] sample = [.. Enumerable.Range(0, 2 * 3 * 16 * 16).Select(i => MathF.Sin(i))];
        Result Predict(string name, TensorSource timestep)
        {
            using (var file = File.Create(at.At("in.safetensors")))
            {
                SafetensorsWriter.Write(file, [TensorSource.Floats("sample", [2, 3, 16, 16], (ReadOnlyMemory<float>)sample), timestep]);
            }
            return at.Run("predict", Case("hub-trailing"), "--input", "in.safetensors", "--output", name, "--device", "cpu");
        }
        float[] Output(TensorSource timestep)
        {
            Predict("out.safetensors", timestep).Succeeded();
            using var reader = SafetensorsReader.Open(at.At("out.safetensors"));
            return reader.ReadFloats("output");
        }
        float[] expected = Output(TensorSource.Int64("timestep", [2], new long[] { 7, 7 }));
        Assert.Equal(expected, Output(TensorSource.Int64("timestep", [], new long[] { 7 })));
        Assert.Equal(expected, Output(TensorSource.Int64("timestep", [1], new long[] { 7 })));
        Assert.Equal(expected, Output(TensorSource.Floats("timestep", [], (ReadOnlyMemory<float>)new float[] { 7 })));
        Assert.NotEqual(expected, Output(TensorSource.Floats("timestep", [2], (ReadOnlyMemory<float>)new float[] { 7, 7.5f })));
        Predict("x", TensorSource.Floats("timestep", [1], (ReadOnlyMemory<float>)new float[] { float.NaN })).Refused(3, "'timestep' holds NaN");
        Predict("x", TensorSource.Int64("timestep", [1], new long[] { -1 })).Refused(3, "'timestep' holds -1");
        Predict("x", TensorSource.Int64("timestep", [3], new long[] { 1, 2, 3 })).Refused(3, "expected is [2], or one for all");
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
