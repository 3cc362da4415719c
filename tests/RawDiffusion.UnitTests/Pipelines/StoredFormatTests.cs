using System.Text.Json.Nodes;
using RawDiffusion.Cpu;
using RawDiffusion.Diffusion;
using RawDiffusion.Images;
using RawDiffusion.Pipelines;
using RawDiffusion.Storage;
using RawDiffusion.Testing;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.UnitTests.Pipelines;

/// <summary>What the first version of the program wrote is understood by the library.</summary>
public sealed class StoredFormatTests
{
    private static string At(params string[] names) => Path.Combine([StoredFiles.Version1, .. names]);

    [Theory]
    [InlineData("run")]
    [InlineData("pictures-run")]
    public void TheNetworksSectionComesBackToTheByte(string run)
    {
        string path = At(run, "config.json");
        var stored = (JsonObject)JsonNode.Parse(File.ReadAllText(path))!;
        var config = RunConfigJson.FromJson(stored, path);
        Assert.Equal(stored["network"]!.ToJsonString(), RunConfigJson.ToJson(config)["network"]!.ToJsonString());
        Assert.Equal(stored["diffusion"]!.ToJsonString(), RunConfigJson.ToJson(config)["diffusion"]!.ToJsonString());
    }

    [Fact]
    public void ACheckpointDescribesItsModel()
    {
        using var device = new CpuDevice(1);
        using var loaded = LoadedModel.Open(At("run"), device);
        var (network, description) = (loaded.Model.Network.Config, loaded.Description);
        Assert.Equal((32, 32, 3, 3), (network.Height, network.Width, network.InChannels, network.OutChannels));
        Assert.Equal([4, 8], network.BlockChannels);
        Assert.Equal((1, 2, 9, 0.0, 1.0), (network.LayersPerBlock, network.NormGroups, network.ClassEmbeddings, network.Dropout, network.FreqShift));
        Assert.Equal((Prediction.V, LossWeighting.MinSnr, 1000), (description.Diffusion.Prediction, description.Diffusion.LossWeighting, description.Diffusion.Timesteps));
        Assert.Equal((SamplerName.Ddim, 3, 2.0, ClipRange.On), (description.Sampling.Sampler, description.Sampling.Steps, description.Sampling.Guidance, description.Sampling.Clip));
        Assert.Equal(8, loaded.Model.Classes);
        Assert.Equal(8, loaded.ClassNames.Count);
    }

    [Fact]
    public void TheLibraryDrawsWhatTheProgramDrew()
    {
        using var device = new CpuDevice(1);
        using var loaded = LoadedModel.Open(At("run"), device);
        var images = ImageSampler.Run(loaded.Model, new SampleRequest { Count = 4, Sampler = loaded.Description.Sampling.Create(), Guidance = loaded.Description.Sampling.Guidance, Seed = 3 });
        byte[] drawn = Array.ConvertAll(images.Pixels, Image.ToByte), stored = Npz.Bytes(At("samples-ddim.npz"), "arr_0");
        Assert.Equal(stored.Length, drawn.Length);
        int tolerance = device.Description.Contains(StoredFiles.InstructionSet, StringComparison.Ordinal) ? 0 : 1;
        Assert.InRange(drawn.Zip(stored, (a, b) => Math.Abs(a - b)).Max(), 0, tolerance);
    }

    [Fact]
    public void AnExportedModelHoldsTheAverageOfItsRun()
    {
        using var device = new CpuDevice(1);
        using var run = LoadedModel.Open(At("run"), device);
        using var exported = LoadedModel.Open(At("exported"), device);
        Assert.Equal(run.Parameters.Values.ToArray<float>(), exported.Parameters.Values.ToArray<float>());
        Assert.Equivalent(run.Model.Network.Config, exported.Model.Network.Config, strict: true);
        Assert.Equal((Prediction.V, ReverseVariance.FixedLarge), (exported.Description.Diffusion.Prediction, exported.Description.Sampling.Variance));
        Assert.Equal(run.Model.Process.Schedule.Betas, exported.Model.Process.Schedule.Betas);
    }

    [Fact]
    public void TheLogOfStepsIsRead()
    {
        var steps = MetricsLog.Read(At("run", "metrics.jsonl"));
        Assert.Equal([1L, 2, 3, 4, 5, 6], steps.Select(step => step.Step));
        Assert.All(steps, step => Assert.InRange(step.Loss, 0.1, 2));
    }
}
