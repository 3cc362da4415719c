using RawDiffusion.Core;
using RawDiffusion.Models;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests.Models;

public sealed class UNetTests
{
    private static readonly UNetConfig Cifar10 = new()
    {
        Height = 32,
        Width = 32,
        InChannels = 3,
        OutChannels = 3,
        BlockChannels = [128, 256, 256, 256],
        AttentionLevels = [1],
        LayersPerBlock = 2,
    };

    private static readonly UNetConfig Mnist = new()
    {
        Height = 28,
        Width = 28,
        InChannels = 1,
        OutChannels = 1,
        BlockChannels = [32, 64, 64],
        AttentionLevels = [2],
        LayersPerBlock = 1,
    };

    /// <summary>Four small levels, every feature that owns parameters.</summary>
    private static readonly UNetConfig Small = Mnist with { Height = 8, Width = 8, BlockChannels = [4, 8], AttentionLevels = [1], NormGroups = 2 };

    [Fact]
    public void TheYardsticksNetworksHaveTheirNumberOfParameters()
    {
        var cifar = new UNet(Cifar10);
        Assert.Equal(35_746_307, cifar.Parameters.Sum(p => p.Shape.Count));
        Assert.Equal(328, cifar.Parameters.Count);
        Assert.Equal(1_112_801, new UNet(Mnist).Parameters.Sum(p => p.Shape.Count));
    }

    [Fact]
    public void TheWayUpConcatenatesAsDiffusersDoes() =>
        Assert.Equal([512, 512, 512, 512, 512, 512, 512, 512, 384, 384, 256, 256], Cifar10.UpWidths().Select(w => w.Input));

    [Fact]
    public void EveryProblemOfAConfigurationIsNamedAtOnce()
    {
        var broken = Cifar10 with { NormGroups = 48, Height = 30 };
        var error = Assert.Throws<ConfigurationException>(() => new UNet(broken));
        Assert.Contains("height 30 is no multiple of 8", error.Message);
        Assert.Contains("channels 128 is no multiple of the 48 norm groups", error.Message);
        error = Assert.Throws<ConfigurationException>(() => new UNet(Cifar10 with { Height = 0, Dropout = 1.5, DownsamplePadding = 2, AttentionLevels = [4], OutChannels = 0 }));
        string[] named = ["network.dropout is 1.5", "network.downsample_padding is 2", "entry is 4; it must be a level from 0 to 3", "height 0 is no multiple of 8", "network.out_channels is 0"];
        Assert.All(named, part => Assert.Contains(part, error.Message));
    }

    [Fact]
    public void ANetworkForImagesIsBuiltFromTheirSize()
    {
        Assert.Equivalent(new UNetConfig { Height = 28, Width = 28, InChannels = 1, OutChannels = 1 }, UNetConfig.For(28, 28, 1), strict: true);
        var wide = UNetConfig.For(30, 61, 3, classes: 10);
        Assert.Equal((32, 64, 3, 3, 11), (wide.Height, wide.Width, wide.InChannels, wide.OutChannels, wide.ClassEmbeddings));
        Assert.Equal([32, 64, 64, 128], wide.BlockChannels);
        int[] sides = [1, 7, 8, 9, 16, 100, 256, 1000];
        Assert.All(sides, side => Assert.Empty(UNetConfig.For(side, side, 1).Problems()));
    }

    [Fact]
    public void HeadsMatterOnlyWhereThereIsAttention()
    {
        var network = Cifar10 with { BlockChannels = [96, 128, 160, 96], NormGroups = 32, AttentionHeadDim = 64, MiddleAttention = false };
        Assert.Empty(network.Problems());
        Assert.Contains("channels 160", Assert.Single((network with { UpAttentionLevels = [2] }).Problems()).ToString());
        Assert.Contains("channels 96", Assert.Single((network with { MiddleAttention = true }).Problems()).ToString());
    }

    [Fact]
    public void InitializationFollowsThePaperAndTheSeed()
    {
        using var device = new ReferenceDevice();
        var network = new UNet(Small);
        using var parameters = new ParameterSet(network.Parameters, device, training: true);
        parameters.Initialize(3);
        double[] Values(string name) => parameters.Slice(parameters.Values, name).ToArray<double>();
        double[] conv = Values("down_blocks.0.resnets.0.conv1.weight");
        double bound = Math.Sqrt(3.0 / (4 * 9));
        Assert.InRange(conv.Max(Math.Abs), 0.9 * bound, bound);
        Assert.InRange(conv.Average(v => v * v), 0.6 * bound * bound / 3, 1.4 * bound * bound / 3);
        foreach (string zero in (string[])["conv_out.weight", "mid_block.resnets.1.conv2.weight", "mid_block.attentions.0.to_out.0.weight", "conv_in.bias"])
        {
            Assert.All(Values(zero), v => Assert.Equal(0, v));
        }
        Assert.All(Values("conv_norm_out.weight"), v => Assert.Equal(1, v));
        Assert.Equal(parameters.Values.ToArray<double>(), parameters.Ema!.ToArray<double>());

        using var again = new ParameterSet(new UNet(Small).Parameters, device, training: false);
        again.Initialize(3);
        Assert.Equal(parameters.Values.ToArray<double>(), again.Values.ToArray<double>());
        again.Initialize(4);
        Assert.NotEqual(parameters.Values.ToArray<double>(), again.Values.ToArray<double>());
    }

    [Fact]
    public void InferenceFreesAsItGoesAndAgreesWithTraining()
    {
        using var device = new ReferenceDevice();
        var network = new UNet(Small);
        using var parameters = new ParameterSet(network.Parameters, device, training: true);
        parameters.Initialize(0);
        parameters.Values.Upload(parameters.Values.ToArray<double>().Select((v, i) => v + 0.05 * Math.Sin(i)).ToArray());
        using var x = new Tensor(device, new Shape(2, 8, 8, 1)).Upload(Enumerable.Range(0, 128).Select(i => Math.Cos(i)).ToArray());
        using var t = new Tensor(device, new Shape(2)).Upload([1.0, 500.0]);
        int before = device.Memory.LiveBlocks;
        double[] recorded, inferred;
        long peakRecording, peakInference;
        using (var tape = new Tape(device, recording: true))
        {
            device.Memory.ResetPeak();
            recorded = network.Forward(tape, new NetworkInput(x, t)).ToArray<double>();
            peakRecording = device.Memory.PeakBytes;
        }
        Assert.Equal(before, device.Memory.LiveBlocks);
        using (var tape = new Tape(device, recording: false))
        {
            device.Memory.ResetPeak();
            var y = network.Forward(tape, new NetworkInput(x, t));
            peakInference = device.Memory.PeakBytes;
            Assert.Equal(before + 1, device.Memory.LiveBlocks); // the output alone is left
            inferred = y.ToArray<double>();
        }
        Assert.Equal(recorded, inferred);
        Assert.True(peakInference < peakRecording, $"{peakInference} bytes without recording, {peakRecording} with");
        Assert.Equal(before, device.Memory.LiveBlocks);
    }

    [Fact]
    public void LabelsMustFitTheNetwork()
    {
        using var device = new ReferenceDevice();
        var network = new UNet(Small);
        using var parameters = new ParameterSet(network.Parameters, device, training: false);
        using var x = new Tensor(device, new Shape(1, 8, 8, 1)).Clear();
        using var small = new Tensor(device, new Shape(1, 7, 8, 1)).Clear();
        using var t = new Tensor(device, new Shape(1)).Clear();
        using var labels = new Tensor(device, new Shape(1), DType.Int32).Clear();
        using var tape = new Tape(device, recording: false);
        Assert.Contains("no classes", Assert.Throws<ArgumentException>(() => network.Forward(tape, new NetworkInput(x, t, new Condition(labels)))).Message);
        Assert.Contains("among the channels", Assert.Throws<ArgumentException>(() => network.Forward(tape, new NetworkInput(x, t, new Condition(Planes: x)))).Message);
        Assert.Contains("multiples of 2", Assert.Throws<ArgumentException>(() => network.Forward(tape, new NetworkInput(small, t))).Message);
    }
}
