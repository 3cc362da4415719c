using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Storage;
using RawDiffusion.UnitTests.Storage;

namespace RawDiffusion.UnitTests.Pipelines;

public sealed class DiffusersUNetTests
{
    private static readonly UNetConfig Small = new()
    {
        Height = 8,
        Width = 16,
        InChannels = 1,
        OutChannels = 2,
        BlockChannels = [8, 16],
        AttentionLevels = [1],
        UpAttentionLevels = [],
        LayersPerBlock = 3,
        MiddleAttention = false,
        AttentionHeadDim = 4,
        NormGroups = 4,
        AttentionNormGroups = 8,
        NormEps = 1e-4,
        TimeScaleShift = true,
        DownsamplePadding = 1,
        FlipSinToCos = true,
        FreqShift = 0.5,
        TimeEmbeddingDim = 12,
        ClassEmbeddings = 11,
        Dropout = 0.1,
        MiddleScale = 1.5,
    };

    [Fact]
    public void WhatIsWrittenIsReadBack()
    {
        Assert.Equivalent(Small, DiffusersUNet.FromJson(DiffusersUNet.ToJson(Small), "config.json"), strict: true);
        var square = Small with { Height = 16, AttentionLevels = [0], UpAttentionLevels = null, ClassEmbeddings = null, AttentionHeadDim = null };
        Assert.Equal(16, DiffusersUNet.ToJson(square)["sample_size"]!.GetValue<int>());
        Assert.Equivalent(square, DiffusersUNet.FromJson(DiffusersUNet.ToJson(square), "config.json"), strict: true);
    }

    /// <summary>A property that no key holds would be lost in every checkpoint.</summary>
    [Fact]
    public void EveryPropertyOfTheNetworkHasAKey()
    {
        foreach (var property in typeof(UNetConfig).GetProperties().Where(property => property.CanWrite))
        {
            object? changed = property.GetValue(Small), usual = property.GetValue(new UNetConfig());
            Assert.False(changed is not System.Collections.IEnumerable && Equals(changed, usual), $"{property.Name} should differ from its default here");
        }
    }

    [Theory]
    [InlineData("unet-cifar-style")]
    [InlineData("unet-class-multihead")]
    public void TheReferenceConfigurationsAreUnderstood(string name)
    {
        using var folder = DiffusersFolder.TryOpen(ReferenceFiles.Folder(name))!;
        var model = DiffusersModel.Of(folder);
        var contents = model.ToContents([], new Dictionary<string, string>());
        AssertSame(folder.UNet.Json, contents.UNet);
        AssertSame(folder.Scheduler!.Json, contents.Scheduler);
        if (model.Network.ClassEmbeddings is null)
        {
            AssertSame(folder.Index!.Json, contents.Index);
        }
        // Whether the middle's attention has a norm follows from the configuration; the files show that it does.
        Assert.Equal(model.Network.MiddleAttentionNormGroups is not null, folder.Weights.Contains("mid_block.attentions.0.group_norm.weight"));

        static void AssertSame(JsonObject expected, JsonObject actual)
        {
            foreach (var json in (JsonObject[])[expected, actual])
            {
                Assert.True(json.Remove("_diffusers_version"));
            }
            Assert.True(JsonNode.DeepEquals(expected, actual), $"{expected}\n{actual}");
        }
    }

    /// <summary>The readers' defaults for these are not this model's: left out, a reader would compute something else.</summary>
    [Fact]
    public void TheFiveTreacherousKeysAreAlwaysWritten() =>
        Assert.All(["attention_head_dim", "downsample_padding", "flip_sin_to_cos", "freq_shift", "norm_eps"], key => Assert.True(DiffusersUNet.ToJson(Small).ContainsKey(key)));

    [Fact]
    public void MissingKeysTakeTheReadersDefaults()
    {
        var config = DiffusersUNet.FromJson(new JsonObject { ["_class_name"] = "UNet2DModel" }, "config.json");
        Assert.Equal((8, 1, true, 0.0, 1e-5), (config.AttentionHeadDim, config.DownsamplePadding, config.FlipSinToCos, config.FreqShift, config.NormEps));
        Assert.Equal([224, 448, 672, 896], config.BlockChannels);
        Assert.Equal([1, 2, 3], config.AttentionLevels);
        Assert.Null(config.UpAttentionLevels);
        Assert.Equal((2, 32, 3, 3), (config.LayersPerBlock, config.NormGroups, config.InChannels, config.OutChannels));
    }

    [Fact]
    public void EverythingUnsupportedIsListedAtOnce()
    {
        var json = (JsonObject)JsonNode.Parse("""
            {"_class_name":"UNet2DModel","_name":"mine","act_fn":"mish","block_out_channels":[10,16],"down_block_types":["DownBlock2D","SkipDownBlock2D"],
             "up_block_types":["UpBlock2D"],"norm_num_groups":4,"time_embedding_type":"fourier","dropout":2,"in_channels":"three","layers_per_block":0,
             "attention_head_dim":5,"new_key":true,"center_input_sample":true,"downsample_padding":3,"optimization_step":5,"mid_block_type":null,"sample_size":[8]}
            """)!;
        string message = Assert.Throws<ConfigurationException>(() => DiffusersUNet.FromJson(json, "config.json")).Message;
        string[] named =
        [
            "act_fn is \"mish\"; supported is \"silu\" or \"swish\"", "SkipDownBlock2D", "fourier", "dropout is 2", "in_channels is \"three\"", "layers_per_block is 0", "new_key (true) of UNet2DModel",
            "center_input_sample", "downsample_padding is 3; supported is 0 or 1", "channels 10 is no multiple of the 4 norm groups", "channels 16 of a level with attention is no multiple of the attention head dim 5",
            "mid_block_type is null", "sample_size is [8]", "up_block_types 1",
        ];
        Assert.All(named, part => Assert.Contains(part, message));
        Assert.All(["optimization_step", "_name"], part => Assert.DoesNotContain(part, message));
    }
}
