using RawDiffusion.Core;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests;

/// <summary>What a tape owns, when it frees it, and what it says about misuse.</summary>
public sealed class TapeTests : IDisposable
{
    private readonly ReferenceDevice _device = new() { PoisonNewTensors = true };
    private readonly List<Tensor> _tensors = [];

    public void Dispose()
    {
        foreach (var tensor in _tensors)
        {
            tensor.Gradient?.Dispose();
            tensor.Dispose();
        }
        Assert.Equal(0, _device.Memory.LiveBlocks);
        _device.Dispose();
    }

    [Fact]
    public void BringsGradientsToParameters()
    {
        var x = Parameter("x", 1, 2, 3);
        using var tape = new Tape(_device, recording: true);
        var loss = tape.MeanSquaredError(tape.Scale(x, 2), Constant("target", 0, 0, 0)).Loss;
        tape.Backward(loss);
        Assert.True(x.HasGradient);
        Assert.Equal([8 / 3f, 16 / 3f, 8f], x.Gradient!.ToArray());
        Assert.Equal([56 / 3f], loss.ToArray());
    }

    [Fact]
    public void AddsToTheGradientOfTheStepBefore()
    {
        var x = Parameter("x", 1, 2, 3);
        for (int step = 1; step <= 3; step++)
        {
            using var tape = new Tape(_device, recording: true);
            tape.Backward(tape.MeanSquaredError(x, Constant("target", 0, 0, 0)).Loss);
            Assert.Equal([step * 2 / 3f, step * 4 / 3f, step * 2f], x.Gradient!.ToArray());
        }
        x.HasGradient = false;
        using var last = new Tape(_device, recording: true);
        last.Backward(last.MeanSquaredError(x, Constant("target", 0, 0, 0)).Loss);
        Assert.Equal([2 / 3f, 4 / 3f, 2f], x.Gradient!.ToArray());
    }

    [Fact]
    public void ATensorUsedByTwoOpsGetsBothGradients()
    {
        var x = Parameter("x", 1, -2);
        using var tape = new Tape(_device, recording: true);
        var y = tape.Scale(x, 1);
        tape.Backward(tape.MeanSquaredError(tape.Add(tape.Scale(y, 3), tape.Scale(y, 4)), Constant("target", 0, 0)).Loss);
        Assert.Equal([49f, -98f], x.Gradient!.ToArray());
    }

    [Fact]
    public void WhatDoesNotRequireAGradientGetsNone()
    {
        Tensor frozen = Constant("frozen", 1, 2), x = Parameter("x", 1, 2);
        using var tape = new Tape(_device, recording: true);
        tape.Backward(tape.MeanSquaredError(tape.Add(tape.Silu(frozen), x), Constant("target", 0, 0)).Loss);
        Assert.Null(frozen.Gradient);
        Assert.NotNull(x.Gradient);
    }

    [Fact]
    public void AFrozenAffinePartGetsNoGradient()
    {
        var x = Parameter("x", 1, 2, 3, 5);
        Tensor gamma = Constant("gamma", 1, 1, 1, 1), beta = Constant("beta", 0, 0, 0, 0), scaleShift = Constant("scaleShift", 0, 0, 0, 0, 0, 0, 0, 0);
        using var tape = new Tape(_device, recording: true);
        tape.Backward(tape.MeanSquaredError(tape.GroupNorm(x, gamma, beta, 2, 1e-5, scaleShift: scaleShift), Constant("target", 0, 1, 2, 3)).Loss);
        Assert.NotNull(x.Gradient);
        Assert.All([gamma, beta, scaleShift], frozen => Assert.Null(frozen.Gradient));
    }

    [Fact]
    public void BackwardTwiceNamesTheFirst()
    {
        var x = Parameter("x", 1, 2);
        using var tape = new Tape(_device, recording: true);
        var loss = tape.MeanSquaredError(x, Constant("target", 0, 0)).Loss;
        tape.Backward(loss);
        Assert.Contains("already ran backward from 'MeanSquaredError' [1] Float64", Assert.Throws<InvalidOperationException>(() => tape.Backward(loss)).Message);
        Assert.Contains("Silu: this tape already ran backward", Assert.Throws<InvalidOperationException>(() => tape.Silu(x)).Message);
    }

    [Fact]
    public void BackwardNeedsARecordedScalar()
    {
        var x = Parameter("x", 1, 2);
        using var tape = new Tape(_device, recording: true);
        using var inference = new Tape(_device, recording: false);
        Assert.Contains("'Silu' [1, 2] Float64: expected a tensor of one element", Assert.Throws<InvalidOperationException>(() => tape.Backward(tape.Silu(x))).Message);
        Assert.Throws<InvalidOperationException>(() => tape.Backward(Parameter("alien", 1)));
        Assert.Throws<InvalidOperationException>(() => tape.Backward(tape.Silu(Constant("constant", 1))));
        var message = Assert.Throws<InvalidOperationException>(() => inference.Backward(inference.Silu(Parameter("y", 1)))).Message;
        Assert.Contains("does not record. Create it with recording: true", message);
    }

    [Fact]
    public void ATensorFreedEarlierIsNamedTogetherWithWhoFreedIt()
    {
        using var tape = new Tape(_device, recording: false);
        Tensor x = Constant("x", 1, 2), disposed = Constant("weights", 1, 2);
        var released = tape.Silu(x);
        tape.Release(released);
        Tensor outOfScope;
        using (tape.Scope())
        {
            outOfScope = tape.Scale(x, 2);
        }
        disposed.Dispose();
        Assert.StartsWith("LinearCombination: the tensor 'LinearCombination' [1, 2] was freed by the end of its scope", Message(() => tape.Add(x, outOfScope)));
        Assert.StartsWith("LinearCombination: the tensor 'weights' [1, 2] was freed by Dispose", Message(() => tape.Add(x, disposed)));
        Assert.StartsWith("ConcatChannels: the tensor 'Silu' [1, 2] was freed by Release", Message(() => tape.ConcatChannels(x, released)));

        static string Message(Action use) => Assert.Throws<ObjectDisposedException>(use).Message;
    }

    [Fact]
    public void AnActivationFreedByBackwardSaysSo()
    {
        var x = Parameter("x", 1, 2);
        Tensor y, kept;
        using (var tape = new Tape(_device, recording: true))
        {
            (y, kept) = (tape.Silu(x), tape.Keep(tape.Silu(x)));
            tape.Backward(tape.MeanSquaredError(tape.Add(y, kept), Constant("target", 0, 0)).Loss);
            Assert.Contains("'Silu' [1, 2] was freed by Backward (after Silu)", Assert.Throws<ObjectDisposedException>(() => y.ToArray()).Message);
            Assert.Equal(2, kept.ToArray().Length);
        }
        Assert.Contains("was freed by the end of its tape", Assert.Throws<ObjectDisposedException>(() => kept.ToArray()).Message);
    }

    [Fact]
    public void MemoryIsFreedDuringBackward()
    {
        var x = Parameter("x", 1, 2);
        x.Gradient = new Tensor(_device, x.Shape);
        int blocks = _device.Memory.LiveBlocks;
        using var tape = new Tape(_device, recording: true);
        var y = x;
        for (int i = 0; i < 20; i++)
        {
            y = tape.Silu(y);
        }
        var loss = tape.MeanSquaredError(y, Constant("target", 0, 0)).Loss;
        Assert.Equal(blocks + 20 + 3, _device.Memory.LiveBlocks);
        _device.Memory.ResetPeak();
        long peakBefore = _device.Memory.PeakBytes;
        tape.Backward(loss);
        // At most the gradient that is coming and the one it is made of are alive beside the activations.
        Assert.Equal(peakBefore + 2 * BufferPool.SizeClass(x.Bytes), _device.Memory.PeakBytes);
        // What is left: the target, the loss, and the errors per sample.
        Assert.Equal(blocks + 3, _device.Memory.LiveBlocks);
    }

    [Fact]
    public void ARecordingTapeThatNeverRanBackwardFreesEverything()
    {
        var x = Parameter("x", 1, 2);
        int blocks = _device.Memory.LiveBlocks;
        using (var tape = new Tape(_device, recording: true))
        {
            tape.GroupNorm(tape.Silu(x), Constant("gamma", 1, 1), Constant("beta", 0, 0), 1, 1e-5);
            Assert.True(_device.Memory.LiveBlocks > blocks + 2);
        }
        Assert.Equal(blocks + 2, _device.Memory.LiveBlocks);
    }

    [Fact]
    public void WithoutRecordingAScopeFreesAllButWhatItKeeps()
    {
        var x = Constant("x", 1, 2);
        using var tape = new Tape(_device, recording: false);
        Tensor result, inner, kept;
        using (var outer = tape.Scope())
        {
            using (var scope = tape.Scope())
            {
                inner = tape.Silu(x);
                kept = tape.Keep(tape.Scale(x, 3));
                result = scope.Keep(tape.Scale(inner, 2));
            }
            Assert.True(inner.IsDisposed);
            Assert.False(result.IsDisposed);
            result = outer.Keep(tape.Scale(result, 2));
        }
        Assert.False(result.IsDisposed);
        Assert.False(kept.IsDisposed);
        Assert.Equal(3, _device.Memory.LiveBlocks);
    }

    [Fact]
    public void WhenRecordingScopesAndReleaseFreeNothing()
    {
        var x = Parameter("x", 1, 2);
        using var tape = new Tape(_device, recording: true);
        Tensor y;
        using (tape.Scope())
        {
            y = tape.Silu(x);
            tape.Release(y);
        }
        tape.Backward(tape.MeanSquaredError(y, Constant("target", 0, 0)).Loss);
        Assert.NotNull(x.Gradient);
    }

    [Fact]
    public void WithoutRecordingNothingIsSavedForABackward()
    {
        var x = Parameter("x", 1, 2, 3, 4);
        using var tape = new Tape(_device, recording: false);
        var y = tape.GroupNorm(x, Parameter("gamma", 1, 1, 1, 1), Parameter("beta", 0, 0, 0, 0), 2, 1e-5);
        Assert.False(y.RequiresGradient);
        Assert.Equal(4, _device.Memory.LiveBlocks);
    }

    [Fact]
    public void ATensorOfAnotherDeviceIsRefused()
    {
        using var elsewhere = new ReferenceDevice();
        using var alien = new Tensor(elsewhere, new Shape(1, 2), name: "alien");
        using var tape = new Tape(_device, recording: false);
        var message = Assert.Throws<ArgumentException>(() => tape.Silu(alien)).Message;
        Assert.Contains("Silu: 'alien' [1, 2] Float64 lives on reference, double precision, but the tape runs on reference, double precision", message);
    }

    [Fact]
    public void ATensorOfAnotherTypeIsRefused()
    {
        using var tape = new Tape(_device, recording: false);
        var labels = Own(new Tensor(_device, new Shape(1, 2), DType.Int32, "labels"));
        var table = Constant("table", 1, 2);
        Assert.Contains("Silu: 'labels' [1, 2] Int32 was given where elements of Float64", Assert.Throws<ArgumentException>(() => tape.Silu(labels)).Message);
        Assert.Contains("Embedding: 'table' [1, 2] Float64 was given where elements of Int32", Assert.Throws<ArgumentException>(() => tape.Embedding(table, table)).Message);
    }

    [Fact]
    public void ShapesThatDoNotFitAreNamed()
    {
        using var tape = new Tape(_device, recording: false);
        Tensor image = Own(new Tensor(_device, new Shape(2, 4, 4, 3), name: "image")), w = Own(new Tensor(_device, new Shape(8, 3, 3, 4), name: "w"));
        Tensor vector = Constant("vector", 1, 2, 3), other = Constant("other", 1, 2);
        Assert.Equal("Conv2d: expected x [N, H, W, Cin], w [Cout, K, K, Cin], stride ≥ 1; found 'image' [2, 4, 4, 3] Float64, 'w' [8, 3, 3, 4] Float64", Message(() => tape.Conv2d(image, w, null)));
        Assert.Equal("LinearCombination: the second term should be [1, 3], but 'other' [1, 2] Float64 was given", Message(() => tape.Add(vector, other)));
        Assert.Contains("3 groups divide", Message(() => tape.GroupNorm(other, other, other, 3, 1e-5)));
        Assert.Contains("gamma should be [2]", Message(() => tape.GroupNorm(other, other, other, 1, 1e-5)));
        Assert.Contains("whose channels 2 heads divide", Message(() => tape.Attention(image, image, image, 2)));
        Assert.Contains("differ in their channels only", Message(() => tape.ConcatChannels(image, vector)));
        Assert.Contains("expected [N, H, W, C]", Message(() => tape.UpsampleNearest(vector)));
        Assert.Contains("w [N, K]", Message(() => tape.Linear(vector, other, null)));
        Assert.Contains("an even width above 0, not 3", Message(() => tape.TimestepEmbedding(Own(new Tensor(_device, new Shape(2))), 3, true, 0)));
        Assert.Contains("the target should be [1, 3]", Message(() => tape.MeanSquaredError(vector, other)));
        Assert.Contains("an image at least as large as the kernel", Message(() => tape.Conv2d(image, Own(new Tensor(_device, new Shape(1, 5, 5, 3))), null, padding: default(Padding))));
        Assert.Contains("a rate in [0, 1), not 1", Message(() => tape.Dropout(vector, 1, new RandomStream(0, RandomPurpose.Dropout, Position(2)))));
        Assert.Contains("position (step, first sample) should be [2]", Message(() => tape.Dropout(vector, 0.5, new RandomStream(0, RandomPurpose.Dropout, Position(1)))));

        static string Message(Action use) => Assert.Throws<ArgumentException>(use).Message;
    }

    private Tensor Position(int words) => Own(new Tensor(_device, new Shape(words), DType.Int32, "position"));

    private Tensor Parameter(string name, params double[] values)
    {
        var tensor = Constant(name, values);
        tensor.RequiresGradient = true;
        return tensor;
    }

    private Tensor Constant(string name, params double[] values)
    {
        bool vector = name is "gamma" or "beta";
        return Own(new Tensor(_device, vector ? new Shape(values.Length) : new Shape(1, values.Length), name: name).Upload(values));
    }

    private Tensor Own(Tensor tensor)
    {
        _tensors.Add(tensor);
        return tensor;
    }
}
