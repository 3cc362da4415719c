using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Diffusion;
using RawDiffusion.Pipelines;
using RawDiffusion.Storage;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests.Pipelines;

/// <summary>A whole folder of diffusers: what its index says, and what comes of an export.</summary>
public sealed class DiffusersModelTests
{
    private static DiffusersModel Read(string index)
    {
        using var at = new TempFolder();
        StoredFiles.Copy(Path.Combine(StoredFiles.Version1, "exported"), at.At("model"));
        File.WriteAllText(Path.Combine(at.At("model"), "model_index.json"), index);
        using var folder = DiffusersFolder.TryOpen(at.At("model"))!;
        return DiffusersModel.Of(folder);
    }

    [Fact]
    public void WithoutAWordEveryRowIsAClass()
    {
        using var device = new CpuDevice(1);
        using var loaded = LoadedModel.Open(Path.Combine(StoredFiles.Version1, "exported"), device);
        Assert.Equal(9, loaded.Model.Classes);
        Assert.False(loaded.Model.Rows.CanGuide);
        Assert.Equal(SamplerName.Ddpm, loaded.Description.Sampling.Sampler);
        Assert.Equal(TimestepSpacing.Leading, loaded.Description.Sampling.Spacing);
        var request = new SampleRequest { Count = 1, Sampler = Samplers.Ddim(2), Guidance = 2 };
        Assert.Contains("which of the 9 rows", Assert.Throws<ConfigurationException>(() => ImageSampler.Run(loaded.Model, request)).Message);
        Assert.NotNull(ImageSampler.Run(loaded.Model, request with { Guidance = 1, Class = 8 }));
    }

    [Theory]
    [InlineData("""{"_class_name":"LDMPipeline","vqvae":["diffusers","VQModel"],"unet":["diffusers","UNet2DModel"]}""", "the LDMPipeline has a vqvae (VQModel)")]
    [InlineData("""{"_class_name":"ScoreSdeVePipeline"}""", "the pipeline is ScoreSdeVePipeline")]
    [InlineData("""{"_class_name":["mine","MyPipeline"]}""", "the pipeline is MyPipeline")]
    [InlineData("""{"_class_name":"DDPMPipeline","no_class":9}""", "no_class is 9, but the class embedding has 9 rows")]
    [InlineData("""{"_class_name":"DDPMPipeline","strength":2}""", "strength (2) of DDPMPipeline")]
    public void WhatAnIndexSaysIsRefusedByName(string index, string named) => Assert.Contains(named, Assert.Throws<ConfigurationException>(() => Read(index)).Message);

    [Fact]
    public void WhatAnIndexSaysIsFollowed()
    {
        var model = Read("""{"_class_name":["pipeline","ClassConditionalPipeline"],"safety_checker":[null,null],"no_class":3,"no_class_trained":false,"guidance":2.5,"steps":7,"eta":0.5}""");
        Assert.Equal((3, false), (model.NoClass, model.NoClassIsTrained));
        Assert.Equal((2.5, 7, 0.5), (model.Scheduler.Sampling.Guidance, model.Scheduler.Sampling.Steps, model.Scheduler.Sampling.Eta));
        Assert.Null(Read("""{"_class_name":"DDIMPipeline"}""").NoClass);
    }

    [Theory]
    [InlineData(SamplerName.Ddpm, "DDPMPipeline", "DDPMScheduler", "num_inference_steps=9)")]
    [InlineData(SamplerName.Ddim, "DDIMPipeline", "DDIMScheduler", "num_inference_steps=9, eta=0.5, use_clipped_model_output=True)")]
    [InlineData(SamplerName.DpmSolver2M, "DDPMPipeline", "DPMSolverMultistepScheduler", "num_inference_steps=9)")]
    public void AnExportNamesThePipelineThatDrawsAsTheRunDoes(SamplerName sampler, string pipeline, string scheduler, string arguments)
    {
        using var at = new TempFolder();
        using var device = new CpuDevice(1);
        using var loaded = LoadedModel.Open(Path.Combine(StoredFiles.Version1, "pictures-run"), device);
        var description = loaded.Description with { Sampling = new() { Sampler = sampler, Steps = 9, Eta = sampler == SamplerName.Ddim ? 0.5 : 0 } };
        DiffusersExport.Write(at.At("out"), description, loaded.Parameters, loaded.Parameters.Values);
        var index = JsonNode.Parse(File.ReadAllText(Path.Combine(at.At("out"), "model_index.json")))!;
        Assert.Equal((pipeline, scheduler), (index["_class_name"]!.GetValue<string>(), index["scheduler"]![1]!.GetValue<string>()));
        string card = File.ReadAllText(Path.Combine(at.At("out"), "README.md"));
        Assert.Contains($"{pipeline}.from_pretrained", card);
        Assert.Contains(arguments, card);
        Assert.Contains("trained on 6 RGB images", card);
        Assert.False(File.Exists(Path.Combine(at.At("out"), "pipeline.py")));
        using var again = LoadedModel.Open(at.At("out"), device);
        Assert.Equal(sampler, again.Description.Sampling.Sampler);
        Assert.Equal(description.Sampling.UsedSpacing, again.Description.Sampling.UsedSpacing);
        Assert.Equal(ClipRange.On, again.Description.Sampling.Clip);
    }

    [Fact]
    public void ASamplerThatTheFormatLacksIsNotExported()
    {
        using var at = new TempFolder();
        using var device = new CpuDevice(1);
        using var loaded = LoadedModel.Open(Path.Combine(StoredFiles.Version1, "pictures-run"), device);
        var description = loaded.Description with { Sampling = new() { Sampler = SamplerName.Plms } };
        Assert.Contains("plms", Assert.Throws<ConfigurationException>(() => DiffusersExport.Write(at.At("out"), description, loaded.Parameters, loaded.Parameters.Values)).Message);
        Assert.False(File.Exists(Path.Combine(at.At("out"), "model_index.json")));
    }

    [Fact]
    public void RowsAreCountedAroundTheOneOfNoClass()
    {
        var middle = new ClassRows(4, NoClass: 1);
        Assert.Equal(3, middle.Classes);
        Assert.Equal([0, 2, 3], Enumerable.Range(0, 3).Select(middle.RowOf));
        Assert.Equal([0, 1, 2, 3], Enumerable.Range(0, new ClassRows(4).Classes).Select(new ClassRows(4).RowOf));
        Assert.True(middle.CanGuide);
        Assert.False((middle with { IsTrained = false }).CanGuide);
        Assert.Equal(new ClassRows(11, 10), ClassRows.Trained(11, 0.1));
        Assert.Equal(0, ClassRows.Trained(null, 0.1).Classes);
        middle.CheckGuidance(3);
        new ClassRows(0).CheckGuidance(1);
        Assert.Contains("without classes", Assert.Throws<ConfigurationException>(() => new ClassRows(0).CheckGuidance(2)).Message);
    }

    [Fact]
    public void WeightsThatAreNoNumbersAreRefused()
    {
        using var at = new TempFolder();
        using var device = new CpuDevice(1);
        string source = Path.Combine(StoredFiles.Version1, "exported");
        StoredFiles.Copy(source, at.At("model"));
        using (var model = DiffusersFolder.TryOpen(source)!)
        {
            var weights = model.Weights.Names.Select(name =>
            {
                float[] values = model.Weights.ReadFloats(name);
                values[^1] = name == "conv_out.bias" ? float.PositiveInfinity : values[^1];
                return TensorSource.Floats(name, model.Weights.ShapeOf(name), (ReadOnlyMemory<float>)values);
            });
            using var file = File.Create(Path.Combine(at.At("model"), "unet", "diffusion_pytorch_model.safetensors"));
            SafetensorsWriter.Write(file, [.. weights]);
        }
        string message = Assert.Throws<StorageException>(() => LoadedModel.Open(at.At("model"), device)).Message;
        Assert.Contains("conv_out.bias", message);
        Assert.Contains("finite", message);
    }
}
