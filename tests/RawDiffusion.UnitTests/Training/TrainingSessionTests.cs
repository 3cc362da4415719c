using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Diffusion;
using RawDiffusion.Pipelines;
using RawDiffusion.Storage;
using RawDiffusion.Testing;
using RawDiffusion.Training;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.UnitTests.Training;

public class TrainingSessionTests
{
    private static readonly ShapesDataset Data = new(8, 8);

    private static TrainingPlan Plan(long steps = 4) => TrainingPlan.Resolve(Presets.All["shapes"] with
    {
        Steps = steps,
        Batch = 2,
        LogEvery = 2,
        SampleEvery = 0,
        Network = new() { BlockChannels = [4, 8], AttentionLevels = [1], LayersPerBlock = 1, NormGroups = 2 },
        Conditional = true,
        Sampling = new() { Steps = 2, Count = 2 },
    }, Data);

    [Fact]
    public void EveryLossReachesTheLog()
    {
        using var at = new TempFolder();
        using var device = new ReferenceDevice();
        var watching = new Watching();
        string metrics;
        using (var folder = RunFolder.Create(at.At("run"), "run"))
        using (var session = TrainingSession.Start(Plan(), device, Data, folder, [watching], TwoLosses.Make))
        {
            Assert.True(session.Run(CancellationToken.None));
            metrics = folder.MetricsPath;
        }
        var logged = MetricsLog.Read(metrics);
        Assert.Equal([1, 2, 4], logged.Select(m => m.Step));
        Assert.All(logged, m =>
        {
            Assert.Equal(["total", "error", "size"], m.Losses!.Select(loss => loss.Key));
            Assert.Equal(m.Loss, m.Losses![0].Value);
            Assert.Equal(m.Loss, m.Losses[1].Value + TwoLosses.SizeWeight * m.Losses[2].Value, 1e-9);
        });
        Assert.Equal(["\"step\"", "\"loss\"", "\"grad_norm\"", "\"lr\"", "\"images_per_s\"", "\"seconds\"", "\"losses\""],
            File.ReadLines(metrics).First().Split(['{', '}', ':', ',']).Where(word => word.StartsWith('"')).Take(7));
        Assert.Equal(logged.Select(m => m.Loss), watching.Reports.Select(report => report.Loss));
        Assert.All(watching.Reports, report => Assert.Equal(3, report.Losses.Count));
        // The run's own pictures are drawn first.
        Assert.Equal(["started", "stepped 1", "stepped 2", "stepped 4", "saved 4", "sampled 4", "picture due at 4"], watching.Heard);
    }

    [Fact]
    public void OneLossIsLoggedAsItAlwaysWas()
    {
        using var at = new TempFolder();
        using var device = new ReferenceDevice();
        using var folder = RunFolder.Create(at.At("run"), "run");
        using (var session = TrainingSession.Start(Plan(steps: 1), device, Data, folder, []))
        {
            Assert.True(session.Run(CancellationToken.None));
        }
        Assert.DoesNotContain("losses", File.ReadAllText(folder.MetricsPath));
        Assert.Null(Assert.Single(MetricsLog.Read(folder.MetricsPath)).Losses);
    }

    /// <summary>An observer's own pictures cost no others, nor the run.</summary>
    [Fact]
    public void APictureThatCannotBeWrittenIsNoted()
    {
        using var at = new TempFolder();
        using var device = new ReferenceDevice();
        using var folder = RunFolder.Create(at.At("run"), "run");
        var watching = new Watching();
        using var session = TrainingSession.Start(Plan(), device, Data, folder, [new Failing(), watching]);
        Assert.True(session.Run(CancellationToken.None));
        Assert.Contains("noticed no picture", watching.Heard);
        Assert.Contains("picture due at 4", watching.Heard);
        Assert.True(File.Exists(folder.SamplePath(4)));
    }

    /// <summary>A log that cannot be written ends the run, as nothing else would tell of it.</summary>
    [Fact]
    public void AnObserverThatFailsAtAStepEndsTheRun()
    {
        using var at = new TempFolder();
        using var device = new ReferenceDevice();
        using var folder = RunFolder.Create(at.At("run"), "run");
        using var session = TrainingSession.Start(Plan(), device, Data, folder, [new Failing { AtStep = 2 }]);
        Assert.Equal("full", Assert.Throws<StorageException>(() => session.Run(CancellationToken.None)).Message);
        Assert.Equal(2, session.Step);
    }

    [Fact]
    public void ASessionThatCannotStartLeavesNothingOnTheDevice()
    {
        using var at = new TempFolder();
        using var device = new ReferenceDevice();
        using (var folder = RunFolder.Create(at.At("metrics"), "run"))
        {
            Directory.CreateDirectory(folder.MetricsPath);
            Assert.Throws<StorageException>(() => TrainingSession.Start(Plan(), device, Data, folder, []));
            Assert.Equal(0, device.Memory.LiveBlocks);
        }
        using (var folder = RunFolder.Create(at.At("config"), "run"))
        {
            Directory.CreateDirectory(folder.ConfigPath);
            Assert.Throws<StorageException>(() => TrainingSession.Start(Plan(), device, Data, folder, []));
            Assert.Equal(0, device.Memory.LiveBlocks);
            Assert.Throws<DataException>(() => TrainingSession.Start(Plan(), device, Data, folder, [], (_, _, _, _) => throw new DataException("no objective")));
            Assert.Equal(0, device.Memory.LiveBlocks);
        }
    }

    /// <summary>Neither what the network takes nor what it answers says how many channels an image has: the checkpoint does.</summary>
    [Fact]
    public void ACheckpointSaysTheImagesChannels()
    {
        using var at = new TempFolder();
        using var device = new ReferenceDevice();
        using var folder = RunFolder.Create(at.At("run"), "run");
        var plan = Plan(steps: 2);
        plan = plan with { Network = plan.Network with { InChannels = 5, OutChannels = 7 } };
        var watching = new Watching();
        using (var session = TrainingSession.Start(plan, device, Data, folder, [watching], TwoLosses.Make))
        {
            Assert.True(session.Run(CancellationToken.None));
        }
        Assert.Contains(watching.Heard, heard => heard.Contains("takes 2 condition planes"));
        using (var session = TrainingSession.Resume(folder, device, Data, [], steps: 3, TwoLosses.Make))
        {
            Assert.Equal((3, 2), (session.Model.Channels, session.Model.Planes));
            Assert.True(session.Run(CancellationToken.None));
        }
        using var loaded = LoadedModel.Open(folder.Path, device);
        Assert.Equal((3, 2), (loaded.Model.Channels, loaded.Model.Planes));
        var request = new SampleRequest { Count = 3, BatchSize = 2, Class = 1, Sampler = Samplers.Ddim(steps: 2), Planes = new float[3 * 8 * 8 * 2] };
        var images = ImageSampler.Run(loaded.Model, request);
        Assert.Equal((3, 3 * 8 * 8 * 3), (images.Channels, images.Pixels.Length));
        // An image hangs on its own planes alone.
        float[] planes = new float[3 * 8 * 8 * 2];
        planes.AsSpan(2 * 8 * 8 * 2).Fill(1);
        float[] others = ImageSampler.Run(loaded.Model, request with { Planes = planes }).Pixels;
        Assert.Equal(images.Pixels[..(2 * 8 * 8 * 3)], others[..(2 * 8 * 8 * 3)]);
        Assert.NotEqual(images.Pixels[(2 * 8 * 8 * 3)..], others[(2 * 8 * 8 * 3)..]);
        Assert.Contains("takes 2 planes of 8×8", Assert.Throws<ConfigurationException>(() => ImageSampler.Run(loaded.Model, request with { Planes = default })).Message);
    }

    [Fact]
    public void AModelOfOtherChannelsIsNoStart()
    {
        using var at = new TempFolder();
        using var device = new ReferenceDevice();
        using var folder = RunFolder.Create(at.At("run"), "run");
        var plan = Plan(steps: 1);
        using (var session = TrainingSession.Start(plan with { Network = plan.Network with { InChannels = 5, OutChannels = 7 } }, device, Data, folder, [], TwoLosses.Make))
        {
            session.Run(CancellationToken.None);
        }
        var config = plan.Config with { StartFrom = folder.Path };
        string message = Assert.Throws<ConfigurationException>(() => TrainingPlan.Resolve(config, Data)).Message;
        Assert.Contains("has 5 channels, but the images have 3, and the data brings no condition planes", message);
        Assert.Contains("answers 7 channels for images of 3", message);
    }

    private sealed class Watching : ITrainingObserver
    {
        public List<string> Heard { get; } = [];

        public List<StepReport> Reports { get; } = [];

        public void Started(TrainingSession session) => Heard.Add("started");

        public void Stepped(StepReport report)
        {
            Reports.Add(report);
            Heard.Add($"stepped {report.Step}");
        }

        public void PictureDue(TrainingSession session, CancellationToken stop) => Heard.Add($"picture due at {session.Step}");

        public void Saved(long step, string path) => Heard.Add($"saved {step}");

        public void Sampled(long step, string path) => Heard.Add($"sampled {step}");

        public void Noticed(string text) => Heard.Add($"noticed {text}");
    }

    private sealed class Failing : ITrainingObserver
    {
        public long? AtStep { get; init; }

        public void Stepped(StepReport report)
        {
            if (report.Step == AtStep)
            {
                throw new StorageException("full");
            }
        }

        public void PictureDue(TrainingSession session, CancellationToken stop) => throw new StorageException("no picture");
    }
}
