using RawDiffusion.Core;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests;

/// <summary>What a tape owns, when it frees it, and what it says about misuse.</summary>
public sealed class TapeTests : IDisposable
{
    private readonly TestTensors _tensors = new();

    public void Dispose() => _tensors.Dispose();

    [Fact]
    public void BackwardTwiceNamesTheFirst()
    {
        var x = _tensors.Parameter("x", 1, 2);
        using var tape = new Tape(_tensors.Device, recording: true);
        var loss = tape.MeanSquaredError(x, _tensors.Constant("target", 0, 0)).Loss;
        tape.Backward(loss);
        Assert.Contains("already ran backward from 'MeanSquaredError' [1] Float64", Assert.Throws<InvalidOperationException>(() => tape.Backward(loss)).Message);
        Assert.Contains("Silu: this tape already ran backward", Assert.Throws<InvalidOperationException>(() => tape.Silu(x)).Message);
    }

    [Fact]
    public void BackwardNeedsARecordedOutput()
    {
        var x = _tensors.Parameter("x", 1, 2);
        using var tape = new Tape(_tensors.Device, recording: true);
        using var inference = new Tape(_tensors.Device, recording: false);
        Assert.Contains("'Silu' [1, 2] Float64: expected a tensor of one element, or a cotangent", Assert.Throws<InvalidOperationException>(() => tape.Backward(tape.Silu(x))).Message);
        Assert.Throws<InvalidOperationException>(() => tape.Backward(_tensors.Parameter("alien", 1)));
        Assert.Throws<InvalidOperationException>(() => tape.Backward(tape.Silu(_tensors.Constant("constant", 1))));
        string message = Assert.Throws<InvalidOperationException>(() => inference.Backward(inference.Silu(_tensors.Parameter("y", 1)))).Message;
        Assert.Contains("does not record. Create it with recording: true", message);
    }

    [Fact]
    public void ATensorFreedEarlierIsNamedTogetherWithWhoFreedIt()
    {
        using var tape = new Tape(_tensors.Device, recording: false);
        Tensor x = _tensors.Constant("x", 1, 2), disposed = _tensors.Constant("weights", 1, 2);
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
        var x = _tensors.Parameter("x", 1, 2);
        Tensor y, kept;
        using (var tape = new Tape(_tensors.Device, recording: true))
        {
            (y, kept) = (tape.Silu(x), tape.Keep(tape.Silu(x)));
            tape.Backward(tape.MeanSquaredError(tape.Add(y, kept), _tensors.Constant("target", 0, 0)).Loss);
            Assert.Contains("'Silu' [1, 2] was freed by Backward (after Silu)", Assert.Throws<ObjectDisposedException>(() => y.ToArray()).Message);
            Assert.Equal(2, kept.ToArray().Length);
        }
        Assert.Contains("was freed by the end of its tape", Assert.Throws<ObjectDisposedException>(() => kept.ToArray()).Message);
    }

    [Fact]
    public void MemoryIsFreedDuringBackward()
    {
        var x = _tensors.Parameter("x", 1, 2);
        x.BindGradient(_tensors.Own(new Tensor(_tensors.Device, x.Shape)));
        int blocks = _tensors.Device.Memory.LiveBlocks;
        using var tape = new Tape(_tensors.Device, recording: true);
        var y = x;
        for (int i = 0; i < 20; i++)
        {
            y = tape.Silu(y);
        }
        var loss = tape.MeanSquaredError(y, _tensors.Constant("target", 0, 0)).Loss;
        Assert.Equal(blocks + 20 + 3, _tensors.Device.Memory.LiveBlocks);
        _tensors.Device.Memory.ResetPeak();
        long peakBefore = _tensors.Device.Memory.PeakBytes;
        tape.Backward(loss);
        // At most the gradient that is coming and the one it is made of are alive beside the activations.
        Assert.Equal(peakBefore + 2 * BufferPool.SizeClass(x.Bytes), _tensors.Device.Memory.PeakBytes);
        // What is left: the target, the loss, and the errors per sample.
        Assert.Equal(blocks + 3, _tensors.Device.Memory.LiveBlocks);
    }

    [Fact]
    public void ARecordingTapeThatNeverRanBackwardFreesEverything()
    {
        var x = _tensors.Parameter("x", 1, 2);
        int blocks = _tensors.Device.Memory.LiveBlocks;
        using (var tape = new Tape(_tensors.Device, recording: true))
        {
            tape.GroupNorm(tape.Silu(x), _tensors.Constant("gamma", 1, 1), _tensors.Constant("beta", 0, 0), 1, 1e-5);
            Assert.True(_tensors.Device.Memory.LiveBlocks > blocks + 2);
        }
        Assert.Equal(blocks + 2, _tensors.Device.Memory.LiveBlocks);
    }

    [Fact]
    public void WithoutRecordingAScopeFreesAllButWhatItKeeps()
    {
        var x = _tensors.Constant("x", 1, 2);
        using var tape = new Tape(_tensors.Device, recording: false);
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
        Assert.Equal(3, _tensors.Device.Memory.LiveBlocks);
    }

    [Fact]
    public void WhenRecordingScopesAndReleaseFreeNothing()
    {
        var x = _tensors.Parameter("x", 1, 2);
        using var tape = new Tape(_tensors.Device, recording: true);
        Tensor y;
        using (tape.Scope())
        {
            y = tape.Silu(x);
            tape.Release(y);
        }
        tape.Backward(tape.MeanSquaredError(y, _tensors.Constant("target", 0, 0)).Loss);
        Assert.NotNull(tape.Gradient(x));
    }

    [Fact]
    public void WithoutRecordingNothingIsSavedForABackward()
    {
        var x = _tensors.Parameter("x", 1, 2, 3, 4);
        using var tape = new Tape(_tensors.Device, recording: false);
        var y = tape.GroupNorm(x, _tensors.Parameter("gamma", 1, 1, 1, 1), _tensors.Parameter("beta", 0, 0, 0, 0), 2, 1e-5);
        Assert.False(y.RequiresGradient);
        Assert.Equal(4, _tensors.Device.Memory.LiveBlocks);
    }

    [Fact]
    public void ATensorOfAnotherDeviceIsRefused()
    {
        using var elsewhere = new ReferenceDevice();
        using var alien = new Tensor(elsewhere, new Shape(1, 2), name: "alien");
        using var tape = new Tape(_tensors.Device, recording: false);
        string message = Assert.Throws<ArgumentException>(() => tape.Silu(alien)).Message;
        Assert.Contains("Silu: 'alien' [1, 2] Float64 lives on reference, double precision, but the op runs on reference, double precision", message);
    }

    [Fact]
    public void ATensorOfAnotherTypeIsRefused()
    {
        using var tape = new Tape(_tensors.Device, recording: false);
        var labels = _tensors.Own(new Tensor(_tensors.Device, new Shape(1, 2), DType.Int32, "labels"));
        var table = _tensors.Constant("table", 1, 2);
        Assert.Contains("Silu: 'labels' [1, 2] Int32 was given where elements of Float64", Assert.Throws<ArgumentException>(() => tape.Silu(labels)).Message);
        Assert.Contains("Embedding: 'table' [1, 2] Float64 was given where elements of Int32", Assert.Throws<ArgumentException>(() => tape.Embedding(table, table)).Message);
    }

    [Fact]
    public void ShapesThatDoNotFitAreNamed()
    {
        using var tape = new Tape(_tensors.Device, recording: false);
        Tensor image = _tensors.Own(new Tensor(_tensors.Device, new Shape(2, 4, 4, 3), name: "image")), w = _tensors.Own(new Tensor(_tensors.Device, new Shape(8, 3, 3, 4), name: "w"));
        Tensor vector = _tensors.Constant("vector", 1, 2, 3), other = _tensors.Constant("other", 1, 2);
        Assert.Equal("Conv2d: expected x [N, H, W, Cin], w [Cout, K, K, Cin], stride ≥ 1; found 'image' [2, 4, 4, 3] Float64, 'w' [8, 3, 3, 4] Float64", Message(() => tape.Conv2d(image, w, null)));
        Assert.Equal("LinearCombination: the second term should be [1, 3], but 'other' [1, 2] Float64 was given", Message(() => tape.Add(vector, other)));
        Assert.Contains("3 groups divide", Message(() => tape.GroupNorm(other, other, other, 3, 1e-5)));
        Assert.Contains("gamma should be [2]", Message(() => tape.GroupNorm(other, other, other, 1, 1e-5)));
        Assert.Contains("whose channels 2 heads divide", Message(() => tape.Attention(image, image, image, 2)));
        Assert.Contains("differ in their channels only", Message(() => tape.ConcatChannels(image, vector)));
        Assert.Contains("expected [N, H, W, C]", Message(() => tape.UpsampleNearest(vector)));
        Assert.Contains("w [N, K]", Message(() => tape.Linear(vector, other, null)));
        Assert.Contains("an even width above 0, not 3", Message(() => tape.TimestepEmbedding(_tensors.Own(new Tensor(_tensors.Device, new Shape(2))), 3, true, 0)));
        Assert.Contains("the target should be [1, 3]", Message(() => tape.MeanSquaredError(vector, other)));
        Assert.Contains("an image at least as large as the kernel", Message(() => tape.Conv2d(image, _tensors.Own(new Tensor(_tensors.Device, new Shape(1, 5, 5, 3))), null, padding: default(Padding))));
        Assert.Contains("a rate in [0, 1), not 1", Message(() => tape.Dropout(vector, 1, new RandomStream(0, RandomPurpose.Dropout, _tensors.Position(2)))));
        Assert.Contains("position (step, first sample) should be [2]", Message(() => tape.Dropout(vector, 0.5, new RandomStream(0, RandomPurpose.Dropout, _tensors.Position(1)))));

        static string Message(Action use) => Assert.Throws<ArgumentException>(use).Message;
    }
}
