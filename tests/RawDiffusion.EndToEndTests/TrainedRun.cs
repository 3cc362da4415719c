using RawDiffusion.EndToEndTests;

[assembly: AssemblyFixture(typeof(TrainedRun))]

namespace RawDiffusion.EndToEndTests;

/// <summary>One run of 40 steps that several tests look at; none of them changes it.</summary>
public sealed class TrainedRun : IDisposable
{
    /// <summary>Steps of the run.</summary>
    public const int Steps = 40;

    public TrainedRun() => Training = Workspace.Train("run", Steps, "--save-every", "10", "--sample-every", "20").Succeeded();

    /// <summary>Where the run is, as <c>run</c>.</summary>
    public Workspace Workspace { get; } = new();

    /// <summary>What training said.</summary>
    public Result Training { get; }

    /// <summary>Asserts that another run has arrived at the same bits.</summary>
    public void AssertSameState(Workspace other, string run)
    {
        foreach (string file in new[] { "weights.safetensors", "ema.safetensors", "optimizer.safetensors" })
        {
            AssertSameFile(Path.Combine("checkpoints", $"step-{Steps:D7}", file));
        }
        AssertSameFile(Path.Combine("samples", $"step-{Steps:D7}.png"));

        void AssertSameFile(string name) =>
            Assert.True(File.ReadAllBytes(Workspace.At("run", name)).AsSpan().SequenceEqual(File.ReadAllBytes(other.At(run, name))), $"{name} differs");
    }

    /// <inheritdoc/>
    public void Dispose() => Workspace.Dispose();
}
