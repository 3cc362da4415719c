using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

public class HubFolderTests
{
    private static readonly UNet2DConfig Small = new()
    {
        SampleSize = (8, 16),
        InChannels = 1,
        OutChannels = 1,
        BlockOutChannels = [8, 16],
        DownBlockTypes = ["DownBlock2D", "AttnDownBlock2D"],
        UpBlockTypes = ["AttnUpBlock2D", "UpBlock2D"],
        NormNumGroups = 4,
        NormEps = 1e-6,
        AttentionHeadDim = null,
        DownsamplePadding = 0,
        FlipSinToCos = false,
        FreqShift = 1,
        Dropout = 0.1,
        NumClassEmbeds = 11,
        TimeScaleShift = true,
    };

    [Theory]
    [InlineData("unet-cifar-style")]
    [InlineData("unet-class-multihead")]
    public void AReferenceFolderComesBackTheSame(string name)
    {
        var reference = ReferenceFiles.Folder(name);
        using var folder = new TempFolder();
        var copy = folder.At("copy");
        using (var hub = HubFolder.TryOpen(reference)!)
        {
            var weights = hub.Weights.Names.Select(weight => TensorSource.Floats(weight, hub.Weights.ShapeOf(weight), hub.Weights.ReadFloats(weight))).ToArray();
            HubFolder.Write(copy, hub.UNet, hub.Scheduler, weights);
        }
        AssertSameFile(reference, copy, "unet", "diffusion_pytorch_model.safetensors");
        AssertSameJson(reference, copy, "unet", "config.json");
        AssertSameJson(reference, copy, "scheduler", "scheduler_config.json");
        AssertSameJson(reference, copy, "model_index.json");
    }

    [Fact]
    public void TheReferenceConfigurationIsUnderstood()
    {
        using var cifar = HubFolder.TryOpen(ReferenceFiles.Folder("unet-cifar-style"))!;
        using var multihead = HubFolder.TryOpen(ReferenceFiles.Folder("unet-class-multihead"))!;
        Assert.Equal([16, 32], cifar.UNet.BlockOutChannels);
        Assert.Equal((null, 0, false, 1.0, 1e-6), (cifar.UNet.AttentionHeadDim, cifar.UNet.DownsamplePadding, cifar.UNet.FlipSinToCos, cifar.UNet.FreqShift, cifar.UNet.NormEps));
        Assert.Equal((8, 1, true, 0.0, 1e-5), (multihead.UNet.AttentionHeadDim, multihead.UNet.DownsamplePadding, multihead.UNet.FlipSinToCos, multihead.UNet.FreqShift, multihead.UNet.NormEps));
        Assert.Equal((11, true, (12, 12)), (multihead.UNet.NumClassEmbeds, multihead.UNet.TimeScaleShift, multihead.UNet.SampleSize!.Value));

        // Whether the middle's attention has a norm follows from the configuration; the files show that it does.
        Assert.Equal(cifar.UNet.MidAttentionGroups is not null, cifar.Weights.Contains("mid_block.attentions.0.group_norm.weight"));
        Assert.Equal(multihead.UNet.MidAttentionGroups is not null, multihead.Weights.Contains("mid_block.attentions.0.group_norm.weight"));
    }

    [Fact]
    public void WhatIsWrittenIsReadBack()
    {
        using var folder = new TempFolder();
        var scheduler = new SchedulerConfig { BetaSchedule = "squaredcos_cap_v2", PredictionType = "v_prediction", VarianceType = "fixed_large", NumTrainTimesteps = 500 };
        HubFolder.Write(folder.At("hub"), Small, scheduler, [TensorSource.Floats("conv_in.weight", [8, 1, 3, 3], new float[72])]);
        using var hub = HubFolder.TryOpen(folder.At("hub"))!;
        Assert.Equivalent(Small, hub.UNet, strict: true);
        Assert.Equal(scheduler, hub.Scheduler);
        Assert.Equal([8L, 1, 3, 3], hub.Weights.ShapeOf("conv_in.weight"));
        Assert.Throws<ConfigurationException>(() => HubFolder.Write(folder.At("hub"), Small, scheduler, []));
    }

    /// <summary>The readers' defaults for these are not this model's: left out, a reader would compute something else.</summary>
    [Fact]
    public void TheFiveTreacherousKeysAreAlwaysWritten() =>
        Assert.All(["attention_head_dim", "downsample_padding", "flip_sin_to_cos", "freq_shift", "norm_eps"], key => Assert.True(Small.ToJson().ContainsKey(key)));

    [Fact]
    public void MissingKeysTakeTheReadersDefaults()
    {
        var config = UNet2DConfig.FromJson(new JsonObject { ["_class_name"] = "UNet2DModel" }, "config.json");
        Assert.Equal((8, 1, true, 0.0, 1e-5), (config.AttentionHeadDim, config.DownsamplePadding, config.FlipSinToCos, config.FreqShift, config.NormEps));
        Assert.Equal([224, 448, 672, 896], config.BlockOutChannels);
        Assert.Equal((2, 32, 3, 3), (config.LayersPerBlock, config.NormNumGroups, config.InChannels, config.OutChannels));
        Assert.Equal(new SchedulerConfig(), SchedulerConfig.FromJson([], "scheduler_config.json"));
        Assert.Equal("sample", SchedulerConfig.FromJson(new JsonObject { ["predict_epsilon"] = false }, "").PredictionType);
    }

    [Fact]
    public void FilesAtTheRootAreFoundToo()
    {
        using var folder = new TempFolder();
        WriteRootLayout(folder, ("conv_in.bias", [8], new float[8]));
        File.WriteAllText(folder.At("scheduler_config.json"), """{"_class_name":"DDPMScheduler","variance_type":"fixed_large"}""");
        using var hub = HubFolder.TryOpen(folder.Path)!;
        Assert.Equivalent(Small, hub.UNet, strict: true);
        Assert.Equal("fixed_large", hub.Scheduler.VarianceType);
        Assert.Equal(["conv_in.bias"], hub.Weights.Names);
    }

    [Fact]
    public void OldAttentionNamesAreReadAsTheNewOnes()
    {
        using var folder = new TempFolder();
        const string A = "mid_block.attentions.0.";
        var values = Enumerable.Range(0, 256).Select(i => (float)i).ToArray();
        WriteRootLayout(
            folder,
            (A + "query.weight", [16, 16, 1, 1], values),
            (A + "key.weight", [16, 16], values),
            (A + "value.bias", [16], new float[16]),
            (A + "proj_attn.weight", [16, 16, 1, 1], values),
            (A + "group_norm.weight", [16], new float[16]),
            ("up_blocks.0.resnets.0.conv_shortcut.weight", [16, 16, 1, 1], values));
        using var hub = HubFolder.TryOpen(folder.Path)!;
        Assert.Equal(
            [A + "group_norm.weight", A + "to_k.weight", A + "to_out.0.weight", A + "to_q.weight", A + "to_v.bias", "up_blocks.0.resnets.0.conv_shortcut.weight"],
            hub.Weights.Names.Order(StringComparer.Ordinal));
        Assert.All(["to_q", "to_k", "to_out.0"], name => Assert.Equal([16L, 16], hub.Weights.ShapeOf($"{A}{name}.weight")));
        Assert.Equal([16L, 16, 1, 1], hub.Weights.ShapeOf("up_blocks.0.resnets.0.conv_shortcut.weight"));
        Assert.Equal(values, hub.Weights.ReadFloats(A + "to_q.weight"));
        Assert.False(hub.Weights.Contains(A + "query.weight"));
    }

    [Fact]
    public void AWeightUnderBothNamesIsRefused()
    {
        using var folder = new TempFolder();
        WriteRootLayout(folder, ("mid_block.attentions.0.query.weight", [1, 1], new float[1]), ("mid_block.attentions.0.to_q.weight", [1, 1], new float[1]));
        Assert.Contains("two names", Assert.Throws<StorageException>(() => HubFolder.TryOpen(folder.Path)).Message);
    }

    [Fact]
    public void EverythingUnsupportedIsListedAtOnce()
    {
        using var folder = new TempFolder();
        WriteRootLayout(folder);
        File.WriteAllText(folder.At("config.json"), """
            {"_class_name":"UNet2DModel","_name":"mine","act_fn":"mish","block_out_channels":[10,16],"down_block_types":["DownBlock2D","SkipDownBlock2D"],
             "up_block_types":["UpBlock2D"],"norm_num_groups":4,"time_embedding_type":"fourier","dropout":2,"in_channels":"three","layers_per_block":0,
             "attention_head_dim":5,"new_key":true,"center_input_sample":true,"downsample_padding":3,"optimization_step":5,"mid_block_type":null,"sample_size":[8]}
            """);
        File.WriteAllText(folder.At("scheduler_config.json"), """{"beta_schedule":"exp","prediction_type":"flow","trained_betas":[0.1],"set_alpha_to_one":true}""");
        var message = Assert.Throws<ConfigurationException>(() => HubFolder.TryOpen(folder.Path)).Message;
        string[] named =
        [
            "act_fn is \"mish\"", "SkipDownBlock2D", "fourier", "dropout is 2", "in_channels is \"three\"", "layers_per_block is 0", "new_key", "center_input_sample",
            "downsample_padding is 3", "holds 10, which is no multiple of norm_num_groups 4", "no multiple of attention_head_dim 5", "mid_block_type is null", "sample_size is [8]",
            "up_block_types 1", "beta_schedule is \"exp\"", "prediction_type is \"flow\"", "trained_betas has 1",
        ];
        Assert.All(named, part => Assert.Contains(part, message));
        Assert.All(["optimization_step", "set_alpha_to_one", "_name"], part => Assert.DoesNotContain(part, message));
    }

    [Fact]
    public void OtherFoldersAreNoHubFolders()
    {
        using var folder = new TempFolder();
        Assert.Null(HubFolder.TryOpen(folder.Path));
        File.WriteAllText(folder.At("config.json"), """{"preset":"mnist"}""");
        Assert.Null(HubFolder.TryOpen(folder.Path));
        Assert.Null(HubFolder.TryOpen(folder.At("absent")));
    }

    [Fact]
    public void WeightsInAnotherFormAreNamed()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.At("config.json"), Small.ToJson().ToJsonString());
        File.WriteAllText(folder.At("diffusion_pytorch_model.bin"), "");
        Assert.Contains("diffusion_pytorch_model.bin", Assert.Throws<StorageException>(() => HubFolder.TryOpen(folder.Path)).Message);
        File.WriteAllText(folder.At("config.json"), "{\"_class_name\":");
        Assert.Contains("not valid JSON", Assert.Throws<ConfigurationException>(() => HubFolder.TryOpen(folder.Path)).Message);
    }

    private static void WriteRootLayout(TempFolder folder, params (string Name, long[] Shape, float[] Values)[] weights)
    {
        File.WriteAllText(folder.At("config.json"), Small.ToJson().ToJsonString());
        using var file = File.Create(folder.At("diffusion_pytorch_model.safetensors"));
        SafetensorsWriter.Write(file, weights.Select(weight => TensorSource.Floats(weight.Name, weight.Shape, weight.Values)));
    }

    private static void AssertSameFile(string a, string b, params string[] name) =>
        Assert.True(File.ReadAllBytes(Path.Combine([a, .. name])).AsSpan().SequenceEqual(File.ReadAllBytes(Path.Combine([b, .. name]))), string.Join('/', name));

    private static void AssertSameJson(string a, string b, params string[] name)
    {
        var (first, second) = (Json(a, name), Json(b, name));
        Assert.True(JsonNode.DeepEquals(first, second), $"{first}\n{second}");
    }

    private static JsonNode Json(string folder, string[] name)
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine([folder, .. name])))!;
        Assert.True(json.AsObject().Remove("_diffusers_version"));
        return json;
    }
}
