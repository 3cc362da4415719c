using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Testing;
using RawDiffusion.Training;

namespace RawDiffusion.UnitTests.Training;

public class ObjectiveTests
{
    private static readonly UNetConfig Network = TinyTraining.Network(side: 8, 4, 8);

    /// <summary>What a network heard and said in a step, sample by sample.</summary>
    private sealed record Heard(List<double> X, List<double> Timesteps, List<double> Labels, List<double> Answer)
    {
        public Heard() : this([], [], [], [])
        {
        }
    }

    /// <summary>Images, mirroring, noise, timesteps, dropped labels, dropout masks: all of a sample's numbers depend on its place in the whole batch alone.</summary>
    [Theory]
    [InlineData(TimestepSampling.Uniform)]
    [InlineData(TimestepSampling.Stratified)]
    public void HalvesOfABatchDrawWhatTheWholeDraws(TimestepSampling sampling)
    {
        using var device = new ReferenceDevice { PoisonNewTensors = true };
        var whole = Step(device, sampling, [(0, 6)]);
        var halves = Step(device, sampling, [(0, 2), (2, 4)]);
        Assert.Equal(whole.Heard.Timesteps, halves.Heard.Timesteps);
        Assert.Equal(whole.Heard.Labels, halves.Heard.Labels);
        Assert.Equal(whole.Heard.X, halves.Heard.X);
        Assert.Equal(whole.Heard.Answer, halves.Heard.Answer);
        Assert.Contains(3.0, whole.Heard.Labels);
        Assert.Contains(whole.Heard.Labels, label => label < 3);
        // The mean over the whole batch is the parts' means, each counted by its samples.
        Assert.Equal(whole.Losses[0], (2 * halves.Losses[0] + 4 * halves.Losses[1]) / 6, 1e-12);
        Assert.All(whole.Gradients[0].Zip(halves.Gradients[0], halves.Gradients[1]), g => Assert.Equal(g.First, (2 * g.Second + 4 * g.Third) / 6, 1e-9));
        // A half that took itself for the whole would draw other numbers.
        Assert.NotEqual(whole.Heard.X, Step(device, sampling, [(0, 2), (2, 4)], knowsItsPlace: false).Heard.X);
    }

    [Fact]
    public void APartOfAPartStillKnowsItsPlace()
    {
        var batch = new FeedBatch { Count = 6, Pixels = new byte[6 * 4], Labels = (int[])[0, 1, 2, 3, 4, 5], Picks = (int[])[0, 0, 1, 0, 2, 1, 3, 0, 4, 0, 5, 1] };
        var part = batch.Slice(2, 4).Slice(1, 2);
        Assert.Equal((3, 2, 6, 8), (part.FirstSample, part.Count, part.WholeBatch, part.Pixels.Length));
        Assert.Equal([3, 4], part.Labels.ToArray());
        Assert.Equal([3, 0, 4, 0], part.Picks.ToArray());
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Slice(4, 3));
        Assert.Throws<ArgumentOutOfRangeException>(() => batch.Slice(-1, 3));
    }

    [Fact]
    public void LabelsMustBeTheNetworks()
    {
        using var device = new ReferenceDevice();
        using var training = new TinyTraining(device, Network with { ClassEmbeddings = 2 });
        Assert.Contains("label 2 is out of range: the network has 2 class embeddings", Assert.Throws<DataException>(() => training.Evaluate(training.Batch(1) with { Labels = (int[])[2, 2] })).Message);
        Assert.Contains("label -1 is out of range", Assert.Throws<DataException>(() => training.Evaluate(training.Batch(0) with { Labels = (int[])[-1, -1] })).Message);
        Assert.Contains("2 images has 0 labels", Assert.Throws<DataException>(() => training.Evaluate(training.Batch(0) with { Labels = default })).Message);
    }

    [Fact]
    public void ABatchHasOneSourceOfImages()
    {
        using var device = new ReferenceDevice();
        using var training = new TinyTraining(device, Network);
        var batch = training.Batch(0);
        Assert.Contains("exactly one", Assert.Throws<ArgumentException>(() => training.Evaluate(batch with { DataSet = null })).Message);
        Assert.Contains("found 3 images", Assert.Throws<ArgumentException>(() => training.Evaluate(batch with { DataSet = null, Count = 3, Pixels = new byte[1] })).Message);
        var expected = training.Evaluate(batch);
        var other = training.Evaluate(batch with { DataSet = null, Images = new float[2 * 8 * 8 * 3] });
        Assert.NotEqual(expected, other);
        Assert.Equal(expected, training.Evaluate(batch));
        Assert.Equal(expected.GetHashCode(), training.Evaluate(batch).GetHashCode());
    }

    /// <summary>The minimised loss is the sum that the objective says, and every loss is reported.</summary>
    [Fact]
    public void NamedLossesAreReportedInTheirOrder()
    {
        using var device = new ReferenceDevice { PoisonNewTensors = true };
        using var training = new TinyTraining(device, Network with { OutChannels = 5 }, objective: TwoLosses.Make);
        var result = training.Evaluate(training.Batch(0));
        Assert.Equal(["total", "error", "size"], result.Losses.Select(loss => loss.Name));
        Assert.Equal(result.Losses[0].Value, result.Losses[1].Value + TwoLosses.SizeWeight * result.Losses[2].Value, 1e-12);
        Assert.Equal(result.Losses[0].Value, result.Loss);
        Assert.All(result.Losses, loss => Assert.True(loss.Value > 0));
    }

    [Fact]
    public void LossesAreNamedScalars()
    {
        using var device = new ReferenceDevice();
        using var scalar = new Tensor(device, new Shape(1));
        using var pair = new Tensor(device, new Shape(2));
        Assert.Throws<ArgumentException>(() => new Losses([]));
        Assert.Throws<ArgumentException>(() => new Losses(("a", scalar), ("a", scalar)));
        Assert.Contains("a 'tensor'", Assert.Throws<ArgumentException>(() => new Losses(("a", pair))).Message);
        Assert.Throws<ArgumentException>(() => new Losses([.. Enumerable.Range(0, Losses.Most + 1).Select(i => ($"{i}", scalar))]));
        Assert.Equal(Losses.Most, new Losses([.. Enumerable.Range(0, Losses.Most).Select(i => ($"{i}", scalar))]).Count);
    }

    /// <summary>Planes beside the image and outputs beside the prediction, on the CPU as on the reference device.</summary>
    [Fact]
    public void InputsImagesAndOutputsAreThreeNumbers()
    {
        using var reference = new ReferenceDevice { PoisonNewTensors = true };
        using var cpu = new CpuDevice(2) { PoisonNewTensors = true };
        var network = Network with { InChannels = 5, OutChannels = 6 };
        foreach (var objective in (ObjectiveFactory?[])[null, TwoLosses.Make])
        {
            using var expected = new TinyTraining(reference, network, objective: objective);
            using var actual = new TinyTraining(cpu, network, objective: objective);
            for (int step = 0; step < 3; step++)
            {
                var (a, b) = (expected.Run(step), actual.Run(step));
                Assert.Equal(a.Loss, b.Loss, 1e-4 * a.Loss);
                Assert.Equal(a.GradNorm, b.GradNorm, 1e-4 * a.GradNorm);
            }
            // The planes are heard, and outputs that no loss asks for are left as they are.
            var batch = expected.Batch(0);
            Assert.NotEqual(expected.Evaluate(batch), expected.Evaluate(batch with { Planes = new float[batch.Planes.Length] }));
            double[] unasked = expected.Parameters.Slice(expected.Parameters.Gradients!, "conv_out.bias").ToArray<double>()[3..];
            Assert.Equal(objective is null, unasked.All(gradient => gradient == 0));
            Assert.Contains("2 condition planes", Assert.Throws<ArgumentException>(() => expected.Evaluate(batch with { Planes = new float[batch.Planes.Length / 2] })).Message);
        }
    }

    private sealed record Run(Heard Heard, List<double> Losses, List<double[]> Gradients);

    /// <summary>Step 3, in parts.</summary>
    private static Run Step(Device device, TimestepSampling sampling, (int First, int Count)[] parts, bool knowsItsPlace = true)
    {
        var run = new Run(new(), [], []);
        foreach (var (first, count) in parts)
        {
            using var training = new TinyTraining(device, Network with { Dropout = 0.4 }, count, objective: (network, diffusion, on, images) =>
            {
                var options = SimpleObjectiveOptions.Of(diffusion with { LabelDropout = 0.5, TimestepSampling = sampling }, network.Config.ClassEmbeddings);
                return new SimpleObjective(Listening(network, run.Heard), diffusion.Process(), on, images, options);
            });
            using var whole = new TinyTraining(device, Network, batch: 6);
            var part = whole.Batch(3).Slice(first, count);
            var result = training.Evaluate(knowsItsPlace ? part : part with { FirstSample = 0, WholeBatch = 0 }, step: 3);
            run.Losses.Add(result.Loss);
            run.Gradients.Add(training.Parameters.Gradients!.ToArray<double>());
        }
        return run;
    }

    private static NetworkForward Listening(UNet network, Heard heard) => (tape, in input) =>
    {
        var answer = network.Forward(tape, input);
        heard.X.AddRange(input.X.ToArray<double>());
        heard.Timesteps.AddRange(input.Timesteps.ToArray<double>());
        heard.Labels.AddRange(input.Condition.Labels!.ToArray<double>());
        heard.Answer.AddRange(answer.ToArray<double>());
        return answer;
    };
}
