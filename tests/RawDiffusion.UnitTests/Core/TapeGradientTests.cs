using RawDiffusion.Core;
using RawDiffusion.Testing;

namespace RawDiffusion.UnitTests;

/// <summary>Where a backward pass starts, where it brings gradients, and how long they live.</summary>
public sealed class TapeGradientTests : IDisposable
{
    private readonly TestTensors _tensors = new();

    public void Dispose() => _tensors.Dispose();

    [Fact]
    public void BringsGradientsToWhatRequiresThem()
    {
        var x = _tensors.Parameter("x", 1, 2, 3);
        using var tape = new Tape(_tensors.Device, recording: true);
        var loss = tape.MeanSquaredError(tape.Scale(x, 2), _tensors.Constant("target", 0, 0, 0)).Loss;
        tape.Backward(loss);
        Assert.Equal([8 / 3f, 16 / 3f, 8f], tape.Gradient(x).ToArray());
        Assert.Equal([56 / 3f], loss.ToArray());
    }

    [Fact]
    public void ABoundGradientAddsUpOverTapesUntilItIsForgotten()
    {
        var x = _tensors.Parameter("x", 1, 2, 3);
        var bound = x.BindGradient(_tensors.Own(new Tensor(_tensors.Device, x.Shape, name: "arena")));
        Assert.False(bound.HasSum);
        for (int step = 1; step <= 3; step++)
        {
            using var tape = new Tape(_tensors.Device, recording: true);
            tape.Backward(tape.MeanSquaredError(x, _tensors.Constant("target", 0, 0, 0)).Loss);
            Assert.True(bound.HasSum);
            Assert.Equal([step * 2 / 3f, step * 4 / 3f, step * 2f], bound.Sum.ToArray());
            Assert.Contains("read BoundGradient.Sum", Assert.Throws<InvalidOperationException>(() => tape.Gradient(x)).Message);
        }
        bound.Forget();
        Assert.False(bound.HasSum);
        using var last = new Tape(_tensors.Device, recording: true);
        last.Backward(last.MeanSquaredError(x, _tensors.Constant("target", 0, 0, 0)).Loss);
        Assert.Equal([2 / 3f, 4 / 3f, 2f], bound.Sum.ToArray());
    }

    [Fact]
    public void AGradientIsBoundToATensorLikeItOnly()
    {
        var x = _tensors.Parameter("x", 1, 2);
        using var elsewhere = new ReferenceDevice();
        using var alien = new Tensor(elsewhere, x.Shape, name: "alien");
        Tensor other = _tensors.Constant("other", 1, 2, 3), labels = _tensors.Own(new Tensor(_tensors.Device, x.Shape, DType.Int32, "labels"));
        foreach (var sum in (Tensor[])[alien, other, labels])
        {
            Assert.StartsWith("the gradient of 'x' [1, 2] Float64 cannot be summed in '" + sum.Name, Assert.Throws<ArgumentException>(() => x.BindGradient(sum)).Message);
        }
    }

    [Fact]
    public void BackwardStartsFromACotangentOfTheOutputsShape()
    {
        var x = _tensors.Parameter("x", 1, 2, 3);
        using var tape = new Tape(_tensors.Device, recording: true);
        var y = tape.Scale(x, 2);
        var cotangent = _tensors.Constant("cotangent", 1, -10, 100);
        tape.Backward(tape.Scale(y, 3), cotangent);
        Assert.Equal([6f, -60f, 600f], tape.Gradient(x).ToArray());
        Assert.Equal([1f, -10f, 100f], cotangent.ToArray());
    }

    [Fact]
    public void ACotangentIsNotTakenOverByAResidual()
    {
        Tensor x = _tensors.Parameter("x", 1, 2), w = _tensors.Constant("w", 1, 1), cotangent = _tensors.Constant("cotangent", 3);
        Tensor matrix = w.Slice(0, new Shape(1, 2)), residual = _tensors.Parameter("residual", 7);
        using var tape = new Tape(_tensors.Device, recording: true);
        tape.Backward(tape.Linear(x, matrix, null, tape.Scale(residual, 2)), cotangent);
        Assert.Equal([3f, 3f], tape.Gradient(x).ToArray());
        Assert.Equal([6f], tape.Gradient(residual).ToArray());
        Assert.Equal([3f], cotangent.ToArray());
    }

    [Fact]
    public void ACotangentThatDoesNotFitIsRefusedAndTheTapeGoesOn()
    {
        var x = _tensors.Parameter("x", 1, 2);
        using var elsewhere = new ReferenceDevice();
        using var alien = new Tensor(elsewhere, x.Shape, name: "alien");
        using var tape = new Tape(_tensors.Device, recording: true);
        var y = tape.Silu(x);
        Assert.Contains("Backward: the cotangent should be [1, 2], but 'long' [1, 3] Float64 was given", Refusal(_tensors.Constant("long", 1, 2, 3)));
        Assert.Contains("Backward: 'labels' [1, 2] Int32 was given where elements of Float64 are expected", Refusal(_tensors.Own(new Tensor(_tensors.Device, x.Shape, DType.Int32, "labels"))));
        Assert.Contains("Backward: 'alien' [1, 2] Float64 lives on", Refusal(alien));
        var disposed = new Tensor(_tensors.Device, x.Shape, name: "disposed");
        disposed.Dispose();
        Assert.Contains("Backward: the tensor 'disposed'", Assert.Throws<ObjectDisposedException>(() => tape.Backward(y, disposed)).Message);
        tape.Backward(y, _tensors.Constant("cotangent", 1, 1));
        Assert.Equal(2, tape.Gradient(x).ToArray().Length);

        string Refusal(Tensor cotangent) => Assert.Throws<ArgumentException>(() => tape.Backward(y, cotangent)).Message;
    }

    [Fact]
    public void AnInputsGradientLivesAsLongAsItsTape()
    {
        var x = new Tensor(_tensors.Device, new Shape(1, 2), name: "x").Upload([1.0, 2]);
        x.RequiresGradient = true;
        Tensor gradient;
        using (var tape = new Tape(_tensors.Device, recording: true))
        {
            tape.Backward(tape.Scale(x, 5), _tensors.Constant("cotangent", 1, 2));
            gradient = tape.Gradient(x);
            x.Dispose();
            Assert.Equal([5f, 10f], gradient.ToArray());
        }
        Assert.True(gradient.IsDisposed);
        Assert.Contains("'∂x' [1, 2] was freed by the end of its tape", Assert.Throws<ObjectDisposedException>(() => gradient.ToArray()).Message);
        Assert.Equal(_tensors.Count, _tensors.Device.Memory.LiveBlocks);
    }

    [Fact]
    public void AnInputWithoutBoundGradientStartsAnewOnEveryTape()
    {
        var x = _tensors.Parameter("x", 1, 2);
        for (int step = 0; step < 2; step++)
        {
            using var tape = new Tape(_tensors.Device, recording: true);
            tape.Backward(tape.Scale(x, 5), _tensors.Constant("cotangent", 1, 2));
            Assert.Equal([5f, 10f], tape.Gradient(x).ToArray());
        }
    }

    [Fact]
    public void AKeptActivationKeepsItsGradient()
    {
        var x = _tensors.Parameter("x", 1, 2);
        using var tape = new Tape(_tensors.Device, recording: true);
        Tensor kept = tape.Keep(tape.Scale(x, 2)), freed = tape.Scale(kept, 3);
        tape.Backward(tape.Scale(freed, 5), _tensors.Constant("cotangent", 1, 10));
        Assert.Equal([15f, 150f], tape.Gradient(kept).ToArray());
        Assert.Contains("Keep the activation before Backward", Assert.Throws<InvalidOperationException>(() => tape.Gradient(freed)).Message);
    }

    [Fact]
    public void AGradientThatIsNotThereIsExplained()
    {
        Tensor x = _tensors.Parameter("x", 1, 2), unused = _tensors.Parameter("unused", 1, 2), frozen = _tensors.Constant("frozen", 1, 2);
        using var tape = new Tape(_tensors.Device, recording: true);
        var y = tape.Add(x, frozen);
        Assert.Contains("this tape has not run backward", Message(x));
        tape.Backward(y, _tensors.Constant("cotangent", 1, 1));
        Assert.Contains("This tape holds no gradient of 'unused' [1, 2] Float64: no gradient came to it, for 'LinearCombination' [1, 2] Float64 does not depend on it", Message(unused));
        Assert.Contains("set RequiresGradient before", Message(frozen));

        string Message(Tensor tensor) => Assert.Throws<InvalidOperationException>(() => tape.Gradient(tensor)).Message;
    }

    [Fact]
    public void ATensorUsedByTwoOpsGetsBothGradients()
    {
        var x = _tensors.Parameter("x", 1, -2);
        using var tape = new Tape(_tensors.Device, recording: true);
        tape.Backward(tape.Add(tape.Scale(x, 3), tape.Scale(x, 4)), _tensors.Constant("cotangent", 1, 10));
        Assert.Equal([7f, 70f], tape.Gradient(x).ToArray());
    }

    [Fact]
    public void AnActivationUsedByTwoOpsPassesBothGradientsOn()
    {
        var x = _tensors.Parameter("x", 1, -2);
        using var tape = new Tape(_tensors.Device, recording: true);
        var y = tape.Scale(x, 1);
        tape.Backward(tape.MeanSquaredError(tape.Add(tape.Scale(y, 3), tape.Scale(y, 4)), _tensors.Constant("target", 0, 0)).Loss);
        Assert.Equal([49f, -98f], tape.Gradient(x).ToArray());
    }

    [Fact]
    public void WhatDoesNotRequireAGradientGetsNone()
    {
        Tensor frozen = _tensors.Constant("frozen", 1, 2), x = _tensors.Parameter("x", 1, 2);
        using var tape = new Tape(_tensors.Device, recording: true);
        tape.Backward(tape.MeanSquaredError(tape.Add(tape.Silu(frozen), x), _tensors.Constant("target", 0, 0)).Loss);
        Assert.Throws<InvalidOperationException>(() => tape.Gradient(frozen));
        Assert.NotNull(tape.Gradient(x));
    }

    [Fact]
    public void AFrozenAffinePartGetsNoGradient()
    {
        var x = _tensors.Parameter("x", 1, 2, 3, 5);
        Tensor gamma = _tensors.Constant("gamma", 1, 1, 1, 1), beta = _tensors.Constant("beta", 0, 0, 0, 0), scaleShift = _tensors.Constant("scaleShift", 0, 0, 0, 0, 0, 0, 0, 0);
        using var tape = new Tape(_tensors.Device, recording: true);
        tape.Backward(tape.MeanSquaredError(tape.GroupNorm(x, gamma, beta, 2, 1e-5, scaleShift: scaleShift), _tensors.Constant("target", 0, 1, 2, 3)).Loss);
        Assert.NotNull(tape.Gradient(x));
        Assert.All([gamma, beta, scaleShift], frozen => Assert.Throws<InvalidOperationException>(() => tape.Gradient(frozen)));
    }
}
