using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

public class DiffusersFolderTests
{
    private const string Attention = "mid_block.attentions.0.";

    [Theory]
    [InlineData("unet-cifar-style")]
    [InlineData("unet-class-multihead")]
    public void AReferenceFolderComesBackTheSame(string name)
    {
        string reference = ReferenceFiles.Folder(name);
        using var folder = new TempFolder();
        string copy = folder.At("copy");
        using (var model = DiffusersFolder.TryOpen(reference)!)
        {
            DiffusersFolder.Write(copy, new DiffusersContents
            {
                Index = model.Index!.Json,
                UNet = model.UNet.Json,
                Scheduler = model.Scheduler!.Json,
                Weights = [.. model.Weights.Names.Select(weight => TensorSource.Floats(weight, model.Weights.ShapeOf(weight), model.Weights.ReadFloats(weight)))],
                Texts = new Dictionary<string, string> { ["README.md"] = "words\n" },
            });
        }
        foreach (string[] file in (string[][])[["unet", "config.json"], ["scheduler", "scheduler_config.json"], ["model_index.json"]])
        {
            Assert.True(JsonNode.DeepEquals(JsonNode.Parse(File.ReadAllText(Path.Combine([reference, .. file]))), JsonNode.Parse(File.ReadAllText(Path.Combine([copy, .. file])))), file[^1]);
        }
        string[] weights = ["unet", "diffusion_pytorch_model.safetensors"];
        Assert.Equal(File.ReadAllBytes(Path.Combine([reference, .. weights])), File.ReadAllBytes(Path.Combine([copy, .. weights])));
        Assert.Equal("words\n", File.ReadAllText(Path.Combine(copy, "README.md")));
        Assert.Throws<ConfigurationException>(() => DiffusersFolder.Write(copy, new DiffusersContents { Index = [], UNet = [], Scheduler = [], Weights = [] }));
    }

    [Fact]
    public void FilesAtTheRootAreFoundToo()
    {
        using var folder = new TempFolder();
        WriteRootLayout(folder, ("conv_in.bias", [8], new float[8]));
        File.WriteAllText(folder.At("scheduler_config.json"), """{"_class_name":"DDPMScheduler","variance_type":"fixed_large"}""");
        using var model = DiffusersFolder.TryOpen(folder.Path)!;
        Assert.Null(model.Index);
        Assert.Equal("fixed_large", model.Scheduler!.Json["variance_type"]!.GetValue<string>());
        Assert.Equal(["conv_in.bias"], model.Weights.Names);
    }

    [Fact]
    public void NumbersThatPythonWritesAreNoObstacle()
    {
        using var folder = new TempFolder();
        WriteRootLayout(folder);
        File.WriteAllText(folder.At("scheduler_config.json"), """{"a": -Infinity, "b": [NaN, Infinity ], "c": "x: -Infinity!", "d": 1}""");
        var json = DiffusersFolder.TryOpen(folder.Path)!.Scheduler!.Json;
        Assert.Equal("""{"a":"-Infinity","b":["NaN","Infinity"],"c":"x: -Infinity!","d":1}""", json.ToJsonString());
    }

    [Fact]
    public void OldAttentionNamesAreReadAsTheNewOnes()
    {
        using var folder = new TempFolder();
        float[] values = [.. Enumerable.Range(0, 256).Select(i => (float)i)];
        WriteRootLayout(
            folder,
            (Attention + "query.weight", [16, 16, 1, 1], values),
            (Attention + "key.weight", [16, 16], values),
            (Attention + "value.bias", [16], new float[16]),
            (Attention + "proj_attn.weight", [16, 16, 1, 1], values),
            (Attention + "group_norm.weight", [16], new float[16]),
            ("up_blocks.0.resnets.0.conv_shortcut.weight", [16, 16, 1, 1], values));
        using var model = DiffusersFolder.TryOpen(folder.Path)!;
        Assert.Equal(
            [Attention + "group_norm.weight", Attention + "to_k.weight", Attention + "to_out.0.weight", Attention + "to_q.weight", Attention + "to_v.bias", "up_blocks.0.resnets.0.conv_shortcut.weight"],
            model.Weights.Names.Order(StringComparer.Ordinal));
        Assert.All(["to_q", "to_k", "to_out.0"], name => Assert.Equal([16L, 16], model.Weights.ShapeOf($"{Attention}{name}.weight")));
        Assert.Equal([16L, 16, 1, 1], model.Weights.ShapeOf("up_blocks.0.resnets.0.conv_shortcut.weight"));
        Assert.Equal(values, model.Weights.ReadFloats(Attention + "to_q.weight"));
        Assert.False(model.Weights.Contains(Attention + "query.weight"));
    }

    [Fact]
    public void AWeightUnderBothNamesIsRefused()
    {
        using var folder = new TempFolder();
        WriteRootLayout(folder, (Attention + "query.weight", [1, 1], new float[1]), (Attention + "to_q.weight", [1, 1], new float[1]));
        using var model = DiffusersFolder.TryOpen(folder.Path)!;
        Assert.Contains("two names", Assert.Throws<StorageException>(() => model.Weights).Message);
    }

    [Fact]
    public void WeightsInSeveralFilesAreReadAsOne()
    {
        using var folder = new TempFolder();
        WriteRootLayout(folder);
        File.Delete(folder.At("diffusion_pytorch_model.safetensors"));
        WritePart(folder, "diffusion_pytorch_model-00001-of-00002.safetensors", ("a", 1));
        WritePart(folder, "diffusion_pytorch_model-00002-of-00002.safetensors", ("b", 2), ("c", 3));
        string index = folder.At("diffusion_pytorch_model.safetensors.index.json");
        File.WriteAllText(index, """
            {"metadata":{"total_size":12},"weight_map":{"a":"diffusion_pytorch_model-00001-of-00002.safetensors",
             "b":"diffusion_pytorch_model-00002-of-00002.safetensors","c":"diffusion_pytorch_model-00002-of-00002.safetensors"}}
            """);
        using (var model = DiffusersFolder.TryOpen(folder.Path)!)
        {
            Assert.Equal(["a", "b", "c"], model.Weights.Names);
            Assert.Equal([1f, 2, 3], model.Weights.Names.SelectMany(model.Weights.ReadFloats));
            Assert.Equal(index, model.Weights.Path);
        }
        File.WriteAllText(index, """{"weight_map":{"a":"../elsewhere.safetensors"}}""");
        Assert.Contains("no file beside it", Assert.Throws<StorageException>(() => DiffusersFolder.TryOpen(folder.Path)!.Weights).Message);
        File.WriteAllText(index, """{"weight_map":["a"]}""");
        Assert.Contains("weight_map", Assert.Throws<StorageException>(() => DiffusersFolder.TryOpen(folder.Path)!.Weights).Message);
        File.WriteAllText(index, """{"weight_map":{"a":"diffusion_pytorch_model-00003-of-00002.safetensors"}}""");
        Assert.Contains("00003", Assert.Throws<StorageException>(() => DiffusersFolder.TryOpen(folder.Path)!.Weights).Message);
    }

    [Fact]
    public void ANetworkUnderAnotherNameIsPointedOut()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.At("model_index.json"), "{}");
        Assert.Contains("no folder at all", Assert.Throws<StorageException>(() => DiffusersFolder.TryOpen(folder.Path)).Message);
        Directory.CreateDirectory(folder.At("unet_ema"));
        Assert.Contains("the folders unet_ema", Assert.Throws<StorageException>(() => DiffusersFolder.TryOpen(folder.Path)).Message);
    }

    [Fact]
    public void OtherFoldersAreNoModels()
    {
        using var folder = new TempFolder();
        Assert.Null(DiffusersFolder.TryOpen(folder.Path));
        File.WriteAllText(folder.At("config.json"), """{"preset":"mnist"}""");
        Assert.Null(DiffusersFolder.TryOpen(folder.Path));
        Assert.Null(DiffusersFolder.TryOpen(folder.At("absent")));
    }

    [Fact]
    public void WeightsInAnotherFormAreNamed()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.At("config.json"), """{"_class_name":"UNet2DModel"}""");
        File.WriteAllText(folder.At("diffusion_pytorch_model.bin"), "");
        using var model = DiffusersFolder.TryOpen(folder.Path)!;
        Assert.Contains("diffusion_pytorch_model.bin", Assert.Throws<StorageException>(() => model.Weights).Message);
        File.WriteAllText(folder.At("config.json"), "{\"_class_name\":");
        Assert.Contains("not valid JSON", Assert.Throws<ConfigurationException>(() => DiffusersFolder.TryOpen(folder.Path)).Message);
    }

    [Theory]
    [InlineData("diffusion_pytorch_model.safetensors,diffusion_pytorch_model.fp16.safetensors", "diffusion_pytorch_model.safetensors", null)]
    [InlineData("diffusion_pytorch_model.fp16.safetensors,diffusion_pytorch_model.bin", "diffusion_pytorch_model.fp16.safetensors", "those of the variant fp16, the only one")]
    [InlineData("diffusion_pytorch_model.safetensors.index.fp16.json,diffusion_pytorch_model.fp16-00001-of-00001.safetensors", "diffusion_pytorch_model.safetensors.index.fp16.json", "variant fp16")]
    [InlineData("diffusion_pytorch_model.safetensors.index.json,diffusion_pytorch_model.safetensors", "diffusion_pytorch_model.safetensors", null)]
    public void TheUsualVariantIsReadOrTheOnlyOne(string files, string read, string? note)
    {
        using var folder = new TempFolder();
        WriteRootLayout(folder);
        File.Delete(folder.At("diffusion_pytorch_model.safetensors"));
        string[] names = files.Split(',');
        foreach (string name in names)
        {
            if (name.EndsWith(".json", StringComparison.Ordinal))
            {
                File.WriteAllText(folder.At(name), $$$"""{"weight_map":{"a":"{{{names[1]}}}"}}""");
            }
            else
            {
                WritePart(folder, name, ("a", 1));
            }
        }
        using var model = DiffusersFolder.TryOpen(folder.Path)!;
        Assert.Equal(folder.At(read), model.Weights.Path);
        Assert.Equal([1f], model.Weights.ReadFloats("a"));
        Assert.Equal(note is null ? 0 : 1, model.Weights.Notes.Count);
        Assert.All(model.Weights.Notes, said => Assert.Contains(note!, said));
    }

    [Theory]
    [InlineData("diffusion_pytorch_model.bin", "Where it can be trusted, turn it into safetensors in its folder: python -c \"import torch, safetensors.torch as s; ")]
    [InlineData("diffusion_pytorch_model.fp16.safetensors,diffusion_pytorch_model.ema.safetensors", "Name the one to use diffusion_pytorch_model.safetensors.")]
    [InlineData("diffusion_pytorch_model-00001-of-00002.safetensors", "Name the one to use")]
    [InlineData("", "Save the model in the safetensors format.")]
    public void WeightsThatAreNotReadAreNamedWithAWayOut(string files, string message)
    {
        using var folder = new TempFolder();
        WriteRootLayout(folder);
        File.Delete(folder.At("diffusion_pytorch_model.safetensors"));
        foreach (string name in files.Split(',', StringSplitOptions.RemoveEmptyEntries))
        {
            WritePart(folder, name, ("a", 1));
        }
        using var model = DiffusersFolder.TryOpen(folder.Path)!;
        Assert.Contains(message, Assert.Throws<StorageException>(() => model.Weights).Message);
    }

    [Theory]
    [InlineData("_orig_mod.", 1)]
    [InlineData("module.", 1)]
    [InlineData("module._orig_mod.", 2)]
    public void WhatWrappersPutBeforeNamesIsLeftOut(string prefix, int notes)
    {
        using var folder = new TempFolder();
        WriteRootLayout(folder, (prefix + Attention + "query.weight", [16, 16, 1, 1], new float[256]), (prefix + "conv_in.bias", [1], [3]));
        using var model = DiffusersFolder.TryOpen(folder.Path)!;
        Assert.Equal(["conv_in.bias", Attention + "to_q.weight"], model.Weights.Names.OrderBy(name => name.Length));
        Assert.Equal([3f], model.Weights.ReadFloats("conv_in.bias"));
        Assert.Equal([16L, 16], model.Weights.ShapeOf(Attention + "to_q.weight"));
        Assert.Equal(notes, model.Weights.Notes.Count);
        Assert.Contains("before every name, as", model.Weights.Notes[0]);
    }

    private static void WriteRootLayout(TempFolder folder, params (string Name, long[] Shape, float[] Values)[] weights)
    {
        File.WriteAllText(folder.At("config.json"), """{"_class_name":"UNet2DModel"}""");
        using var file = File.Create(folder.At("diffusion_pytorch_model.safetensors"));
        SafetensorsWriter.Write(file, weights.Select(weight => TensorSource.Floats(weight.Name, weight.Shape, weight.Values)));
    }

    private static void WritePart(TempFolder folder, string name, params (string Name, float Value)[] weights)
    {
        using var file = File.Create(folder.At(name));
        SafetensorsWriter.Write(file, weights.Select(weight => TensorSource.Floats(weight.Name, [1], (ReadOnlyMemory<float>)new[] { weight.Value })));
    }
}
