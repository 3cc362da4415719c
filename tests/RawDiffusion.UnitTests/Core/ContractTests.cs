using System.Reflection;
using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests;

/// <summary>What every op of the contract checks and marks, whatever the device: each of its arguments, with each flaw that a tensor can have.</summary>
public sealed class ContractTests : IDisposable
{
    private static readonly ConvGeometry Geometry = ConvGeometry.Symmetric(2, 4, 5, 3, 6);

    private static readonly Dictionary<string, Action<Device, OpCall>> Ops = new()
    {
        ["Silu"] = (d, t) => d.Silu(t["x", 2, 5], t.Out("y", 2, 5)),
        ["SiluBackward"] = (d, t) => d.SiluBackward(t["dy", 2, 5], t["x", 2, 5], t.Into("dx", 2, 5)),
        ["LinearCombination"] = (d, t) => d.LinearCombination(2, t["x", 2, 5], 3, t["z", 2, 5], t.Out("y", 2, 5)),
        ["Dropout"] = (d, t) => d.Dropout(t["x", 2, 5], t.Into("y", 2, 5), 0.5, t.Stream),
        ["ConcatChannels"] = (d, t) => d.ConcatChannels(t["a", 2, 3], t["b", 2, 4], t.Out("y", 2, 7)),
        ["ConcatChannelsBackward"] = (d, t) => d.ConcatChannelsBackward(t["dy", 2, 7], t.Into("da", 2, 3), t.Into("db", 2, 4), 3),
        ["UpsampleNearest"] = (d, t) => d.UpsampleNearest(t["x", 2, 3, 4, 5], t.Out("y", 2, 6, 8, 5)),
        ["UpsampleNearestBackward"] = (d, t) => d.UpsampleNearestBackward(t["dy", 2, 6, 8, 5], t.Into("dx", 2, 3, 4, 5)),
        ["SumPositions"] = (d, t) => d.SumPositions(t["x", 2, 3, 4, 5], t.Into("sum", 2, 5)),
        ["Embedding"] = (d, t) => d.Embedding(t["table", 3, 4], t.Integers("labels", 2), t.Out("y", 2, 4)),
        ["EmbeddingBackward"] = (d, t) => d.EmbeddingBackward(t["dy", 2, 4], t.Integers("labels", 2), t.Into("dtable", 3, 4)),
        ["TimestepEmbedding"] = (d, t) => d.TimestepEmbedding(t["timesteps", 2], t.Out("y", 2, 8), false, 1),
        ["MeanSquaredError"] = (d, t) =>
            d.MeanSquaredError(t["prediction", 2, 5], t["target", 2, 5], t["weights", 2], t.Out("per sample", 2), t.Out("loss", 1)),
        ["MeanSquaredErrorBackward"] = (d, t) =>
            d.MeanSquaredErrorBackward(t["dloss", 1], t["prediction", 2, 5], t["target", 2, 5], t["weights", 2], t.Into("dprediction", 2, 5)),
        ["GaussianBound"] = (d, t) => d.GaussianBound(
            t["prediction", 2, 5], t["range", 2, 5], t["xt", 2, 5], t["target", 2, 5], t["rows", 2, 8], t["weights", 2], t.Out("per sample", 2), t.Out("loss", 1)),
        ["GaussianBoundBackward"] = (d, t) => d.GaussianBoundBackward(
            t["dloss", 1], t["prediction", 2, 5], t["range", 2, 5], t["xt", 2, 5], t["target", 2, 5], t["rows", 2, 8], t["weights", 2],
            t.Into("dprediction", 2, 5), t.Into("drange", 2, 5)),
        ["Attention"] = (d, t) => d.Attention(t["q", 2, 3, 4], t["k", 2, 3, 4], t["v", 2, 3, 4], t.Out("y", 2, 3, 4), t.Out("p", 2, 2, 3, 3), 2),
        ["AttentionBackward"] = (d, t) => d.AttentionBackward(
            t["dy", 2, 3, 4], t["q", 2, 3, 4], t["k", 2, 3, 4], t["v", 2, 3, 4], t["p", 2, 2, 3, 3], t.Into("dq", 2, 3, 4), t.Into("dk", 2, 3, 4), t.Into("dv", 2, 3, 4), 2),
        ["GroupNorm"] = (d, t) => d.GroupNorm(
            t["x", 2, 3, 4], t["gamma", 4], t["beta", 4], t["scaleShift", 2, 8], t.Out("y", 2, 3, 4), t.Out("mean", 2, 2), t.Out("rstd", 2, 2), 2, 1e-5, true),
        ["GroupNormBackward"] = (d, t) => d.GroupNormBackward(
            t["dy", 2, 3, 4], t["x", 2, 3, 4], t["gamma", 4], t["beta", 4], t["scaleShift", 2, 8], t["mean", 2, 2], t["rstd", 2, 2],
            t.Into("dx", 2, 3, 4), t.Into("dgamma", 4), t.Into("dbeta", 4), t.Into("dScaleShift", 2, 8), 2, true),
        ["Linear"] = (d, t) => d.Linear(t["x", 2, 3], t.Matrix(t["w", 4, 3]), t["bias", 4], t["residual", 2, 4], t.Out("y", 2, 4)),
        ["LinearBackwardInput"] = (d, t) => d.LinearBackwardInput(t["dy", 2, 4], t.Matrix(t["w", 4, 3]), t.Into("dx", 2, 3)),
        ["LinearBackwardWeight"] = (d, t) => d.LinearBackwardWeight(t["x", 2, 3], t["dy", 2, 4], Sink.Into(t.Matrix(t.Out("dw", 4, 3))), t.Into("dbias", 4)),
        ["Conv2d"] = (d, t) => d.Conv2d(
            t["x", 2, 4, 5, 3], t["w", 6, 3, 3, 3], t["bias", 6], t["channelAdd", 2, 6], t["residual", 2, 4, 5, 6], t.Out("y", 2, 4, 5, 6), Geometry),
        ["Conv2dBackwardInput"] = (d, t) => d.Conv2dBackwardInput(t["dy", 2, 4, 5, 6], t["w", 6, 3, 3, 3], t.Into("dx", 2, 4, 5, 3), Geometry),
        ["Conv2dBackwardWeight"] = (d, t) => d.Conv2dBackwardWeight(t["x", 2, 4, 5, 3], t["dy", 2, 4, 5, 6], t.Into("dw", 6, 3, 3, 3), t.Into("dbias", 6), Geometry),
        ["FillNormal"] = (d, t) => d.FillNormal(t.OfAnyShape(t.Out("y", 2, 5)), t.Stream),
        ["AddNoise"] = (d, t) => d.AddNoise(t["x0", 4, 8], t["coefficients", 4, 4], null, t.Stream, t.Out("xt", 4, 8), t.Out("target", 4, 8)),
        ["AddNoise, given"] = (d, t) => d.AddNoise(t["x0", 4, 8], t["coefficients", 4, 4], t["noise", 4, 8], default, t.Out("xt", 4, 8), t.Out("target", 4, 8)),
        ["AddNoiseToPixels"] = (d, t) => d.AddNoiseToPixels(
            t.Bytes("pixels", 5, 3, 4, 2), t.Integers("picks", 2, 2), 1, 2, t["coefficients", 2, 4], null, t.Stream, t.Out("xt", 2, 3, 4, 2), t.Out("target", 2, 3, 4, 2)),
        ["DenoiseUpdate"] = (d, t) => d.DenoiseUpdate(
            t["x", 2, 5], t["output", 2, 5], t["previous", 2, 5], t["coefficients", 7], null, t.Stream, t.Out("x0", 2, 5), t.Out("next", 2, 5)),
        ["DenoiseUpdate, given"] = (d, t) => d.DenoiseUpdate(
            t["x", 2, 5], t["output", 2, 5], null, t["coefficients", 7], t["noise", 2, 5], default, null, t.Out("next", 2, 5)),
        ["EstimateX0"] = (d, t) => d.EstimateX0(t["x", 2, 5], t["output", 2, 5], t["coefficients", 1, 3], t.Out("x0", 2, 5)),
        ["WeightedSum"] = (d, t) => d.WeightedSum(t["coefficients", 4, 3], [t["x", 4, 5], t["z", 4, 5]], null, t.Stream, t.Out("y", 4, 5)),
        ["WeightedSum, given"] = (d, t) => d.WeightedSum(t["coefficients", 1, 3], [t["x", 4, 5], t["z", 4, 5]], t["noise", 4, 5], default, t.Out("y", 4, 5)),
        ["Blend"] = (d, t) => d.Blend(t["mask", 2, 5], t["a", 2, 5], t["b", 2, 5], t.Out("y", 2, 5)),
        ["SumOfSquares"] = (d, t) => d.SumOfSquares(t.OfAnyShape(t["x", 2, 5]), t.Out("sum", 1)),
        ["AdamStep"] = (d, t) => d.AdamStep(
            t.Out("p", 9), t["g", 9], t.Out("m", 9), t.Out("v", 9), t.Out("ema", 9), t["norm", 1], t["settings", (int)AdamSetting.Count]),
    };

    private readonly ReferenceDevice _device = new(), _elsewhere = new();

    public static TheoryData<string> OpNames => [.. Ops.Keys];

    public void Dispose()
    {
        Assert.Equal(0, _device.Memory.LiveBlocks);
        _device.Dispose();
        _elsewhere.Dispose();
    }

    [Theory]
    [MemberData(nameof(OpNames))]
    public void WhatAnOpWritesIsMarkedAndNothingElse(string op)
    {
        using var call = new OpCall(_device, _elsewhere);
        Ops[op](_device, call);
        var (marked, written) = call.Marks();
        Assert.NotEmpty(written);
        Assert.Equal(written, marked);
    }

    [Theory]
    [MemberData(nameof(OpNames))]
    public void EveryFlawOfEveryArgumentIsNamed(string op)
    {
        using var sound = new OpCall(_device, _elsewhere);
        Ops[op](_device, sound);
        foreach (string name in sound.Names)
        {
            foreach (var flaw in Enum.GetValues<Flaw>().Where(f => f != Flaw.None && sound.Matters(name, f)))
            {
                using var call = new OpCall(_device, _elsewhere, name, flaw);
                var error = Record.Exception(() => Ops[op](_device, call));
                Assert.True(error is ArgumentException or ObjectDisposedException, $"{op} took {name} with the flaw {flaw}: {error}");
                Assert.StartsWith(op.Split(',')[0] + ": ", error.Message);
                // Where one shape follows from another, the message may name the tensor that should have followed.
                Assert.True(flaw is Flaw.Wide or Flaw.Deep || error.Message.Contains($"'{name}'"), $"{op}, {name}, {flaw}: {error.Message}");
            }
        }
    }

    [Fact]
    public void EveryOpOfTheContractIsTried() =>
        Assert.Equal(
            typeof(Device).GetMethods(BindingFlags.NonPublic | BindingFlags.Instance).Where(m => m.IsAbstract && m.Name.EndsWith("Core", StringComparison.Ordinal))
                .Select(m => m.Name[..^"Core".Length]).Order(),
            Ops.Keys.Select(op => op.Split(',')[0]).Distinct().Order());

    [Fact]
    public void NoiseIsNotAddedBeyondTensorsThatAreTooSmall()
    {
        using var device = new CpuDevice(1);
        using Tensor x0 = new Tensor(device, new Shape(4, 8), name: "x0").Clear(), coefficients = new Tensor(device, new Shape(1, 4), name: "coefficients").Clear();
        using Tensor xt = new(device, x0.Shape), target = new(device, new Shape(1, 2), name: "target"), position = new Tensor(device, new Shape(2), DType.Int32).Clear();
        using var enough = new Tensor(device, new Shape(4, 4)).Clear();
        var stream = new RandomStream(1, RandomPurpose.Noise, position);
        Assert.Equal("AddNoise: the coefficients should be [4, 4], but 'coefficients' [1, 4] Float32 was given",
            Assert.Throws<ArgumentException>(() => device.AddNoise(x0, coefficients, null, stream, xt, target)).Message);
        Assert.Equal("AddNoise: the target should be [4, 8], but 'target' [1, 2] Float32 was given",
            Assert.Throws<ArgumentException>(() => device.AddNoise(x0, enough, null, stream, xt, target)).Message);
    }

    [Fact]
    public void NumbersOutOfRangeAreNamed()
    {
        using var t = new OpCall(_device, _elsewhere);
        Assert.Contains("a rate in [0, 1), not NaN", Message(() => _device.Dropout(t["x", 2, 6], t.Into("y", 2, 6), double.NaN, t.Stream)));
        Assert.Contains("a rate in [0, 1), not -0.1", Message(() => _device.Dropout(t["x", 2, 6], t.Into("y", 2, 6), -0.1, t.Stream)));
        foreach (int channels in (int[])[0, 6, -1])
        {
            Assert.Contains($"more than {channels} channels", Message(() => _device.ConcatChannelsBackward(t["x", 2, 6], Sink.None, Sink.None, channels)));
        }
        foreach (var (left, width) in ((int, int)[])[(-1, 2), (0, 0), (1, 4), (4, 1), (int.MaxValue, 1), (0, int.MaxValue)])
        {
            string message = Message(() => _device.AddNoiseToPixels(
                t.Bytes("pixels", 1, 2, 4, 1), t.Integers("picks", 2, 2), left, width, t["coefficients", 2, 4], null, t.Stream, t["xt", 2, 2, 4, 1], t["target", 2, 2, 4, 1]));
            Assert.Contains($"images whose {width} columns from column {left} on lie within their border", message);
        }
        Assert.Contains("0 heads divide", Message(() => _device.Attention(t["q", 1, 2, 4], t["q", 1, 2, 4], t["q", 1, 2, 4], t["o", 1, 2, 4], t["p", 1, 1, 2, 2], 0)));
        Assert.Contains("0 groups divide", Message(() => _device.GroupNorm(t["x", 2, 6], t["g", 6], t["g", 6], null, t["y", 2, 6], t["m", 2, 1], t["m", 2, 1], 0, 1e-5, false)));
        Assert.Contains("an even width above 6, not 6", Message(() => _device.TimestepEmbedding(t["timesteps", 2], t["e", 2, 6], false, 3)));
        Assert.Contains("DenoiseUpdate: expected a random stream to draw from", Message(() => _device.DenoiseUpdate(t["x", 2, 6], t["y", 2, 6], null, t["c7", 7], null, default, null, t["n", 2, 6])));
        Assert.Contains("WeightedSum: expected a random stream", Message(() => _device.WeightedSum(t["c2", 1, 2], [t["x", 2, 6]], null, default, t["n", 2, 6])));
        Assert.Contains("WeightedSum: expected 1 to 8 terms; found 0", Message(() => _device.WeightedSum(t["c2", 1, 2], [], null, default, t["n", 2, 6])));
        Tensor[] nine = [.. Enumerable.Repeat(t["x", 2, 6], 9)];
        Assert.Contains("WeightedSum: expected 1 to 8 terms; found 9", Message(() => _device.WeightedSum(t["c9", 1, 9], nine, null, default, t["n", 2, 6])));
        Assert.Contains("FillNormal: expected a random stream", Message(() => _device.FillNormal(t["x", 2, 6], default)));
        foreach (var geometry in (ConvGeometry[])[Geometry with { Stride = 0 }, Geometry with { PadTop = 3 }, Geometry with { PadRight = -1 }, Geometry with { Kernel = 9 }, Geometry with { Cout = 0 }])
        {
            Assert.StartsWith("Conv2dBackwardInput: expected positive sizes", Message(() => _device.Conv2dBackwardInput(t["x", 2, 6], t["w", 2, 6], Sink.None, geometry)));
        }

        static string Message(Action use) => Assert.Throws<ArgumentException>(use).Message;
    }

    [Fact]
    public void AGradientThatNobodyWantsIsNotAskedOfTheDevice()
    {
        using var device = new ComputesNothing();
        using var t = new OpCall(device, _elsewhere);
        device.SiluBackward(t["dy", 2, 4], t["x", 2, 4], Sink.None);
        device.SumPositions(t["x", 2, 4], Sink.None);
        device.LinearBackwardInput(t["dy", 2, 4], t["w", 4, 3], Sink.None);
        device.LinearBackwardWeight(t["x3", 2, 3], t["dy", 2, 4], Sink.None, Sink.None);
        Assert.Throws<InvalidOperationException>(() => device.SiluBackward(t["dy", 2, 4], t["x", 2, 4], t.Into("dx", 2, 4)));
    }

    [Fact]
    public void TheTwoParametersOfANormalisationAreTwoTensors()
    {
        using var t = new OpCall(_device, _elsewhere);
        var same = t.Into("same", 4);
        var error = Assert.Throws<ArgumentException>(() => _device.GroupNormBackward(
            t["dy", 2, 4], t["x", 2, 4], t["g", 4], t["b", 4], null, t["mean", 2, 2], t["rstd", 2, 2], Sink.None, same, same, Sink.None, 2, false));
        Assert.Contains("different tensors for dgamma and dbeta", error.Message);
        Assert.Contains("a scale and shift where their gradient is wanted", Assert.Throws<ArgumentException>(() => _device.GroupNormBackward(
            t["dy", 2, 4], t["x", 2, 4], t["g", 4], t["b", 4], null, t["mean", 2, 2], t["rstd", 2, 2], Sink.None, Sink.None, Sink.None, t.Into("ds", 2, 8), 2, false)).Message);
    }

    [Fact]
    public void WorkThatIsDoneAgainMarksWhatItWritesAgain()
    {
        using var t = new OpCall(_device, _elsewhere);
        Tensor x = t["x", 2, 4], y = t.Out("y", 2, 4);
        using var recording = _device.Record(() => _device.Silu(x, y));
        long before = y.Version, input = x.Version;
        for (int i = 0; i < 2; i++)
        {
            recording.Launch();
            Assert.NotEqual(before, y.Version);
            before = y.Version;
        }
        Assert.Equal(input, x.Version);
    }

    private sealed class ComputesNothing : ReferenceDevice
    {
        protected override void SiluBackwardCore(Tensor dy, Tensor x, Sink dx) => throw new InvalidOperationException();

        protected override void SumPositionsCore(Tensor x, Sink sum) => throw new InvalidOperationException();

        protected override void LinearBackwardInputCore(Tensor dy, Tensor w, Sink dx) => throw new InvalidOperationException();

        protected override void LinearBackwardWeightCore(Tensor x, Tensor dy, Sink dw, Sink dbias) => throw new InvalidOperationException();
    }
}
