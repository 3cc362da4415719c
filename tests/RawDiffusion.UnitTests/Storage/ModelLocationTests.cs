using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

public class ModelLocationTests
{
    [Fact]
    public void ARunMeansItsNewestIntactCheckpoint()
    {
        using var folder = new TempFolder();
        string path = folder.At("run");
        using (var run = RunFolder.Create(path, "x"))
        {
            run.WriteConfig(new JsonObject { ["preset"] = "x" });
            Assert.Contains("no checkpoint yet", Assert.Throws<StorageException>(() => ModelLocation.Resolve(path)).Message);
            run.Checkpoints.Save(SmallCheckpoint.At(1), new CheckpointRetention());
            run.Checkpoints.Save(SmallCheckpoint.At(2), new CheckpointRetention());
            using var newest = ModelLocation.Resolve(path);
            SmallCheckpoint.AssertIsAt(2, newest.Checkpoint!);
        }
        File.Delete(Path.Combine(path, "checkpoints", "step-0000002", "ema.safetensors"));
        var notices = new List<string>();
        using (var older = ModelLocation.Resolve(path, notices.Add))
        {
            SmallCheckpoint.AssertIsAt(1, older.Checkpoint!);
        }

        Assert.Contains("ema.safetensors", Assert.Single(notices));

        File.Delete(Path.Combine(path, "checkpoints", "step-0000001", "manifest.json"));
        Assert.Contains("None of the 2 checkpoints", Assert.Throws<StorageException>(() => ModelLocation.Resolve(path)).Message);
    }

    [Fact]
    public void ANamedCheckpointIsOpenedOrReportedDamaged()
    {
        using var folder = new TempFolder();
        SmallCheckpoint.SaveTo(folder.At("checkpoints"), 1);
        string path = SmallCheckpoint.SaveTo(folder.At("checkpoints"), 2);
        using (var location = ModelLocation.Resolve(path + Path.DirectorySeparatorChar))
        {
            SmallCheckpoint.AssertIsAt(2, location.Checkpoint!);
        }

        File.Delete(Path.Combine(path, "manifest.json"));
        Assert.Contains("manifest.json", Assert.Throws<StorageException>(() => ModelLocation.Resolve(path)).Message);
    }

    [Fact]
    public void AFolderOfDiffusersIsOpened()
    {
        using var folder = new TempFolder();
        DiffusersFolder.Write(folder.At("model"), new DiffusersContents { Index = [], UNet = [], Scheduler = [], Weights = [] });
        using var location = ModelLocation.Resolve(folder.At("model"));
        Assert.NotNull(location.Diffusers);
        Assert.Null(location.Checkpoint);
    }

    [Fact]
    public void AnythingElseIsExplained()
    {
        using var folder = new TempFolder();
        AssertSays(folder.At("absent"), "does not exist");
        AssertSays(folder.Write("file.txt", []), "is a file");
        AssertSays(folder.Path, "it holds file.txt");
        Directory.CreateDirectory(folder.At("empty"));
        AssertSays(folder.At("empty"), "it holds nothing");
    }

    private static void AssertSays(string path, string found)
    {
        string message = Assert.Throws<ConfigurationException>(() => ModelLocation.Resolve(path)).Message;
        Assert.Contains(path, message);
        Assert.Contains(found, message);
        Assert.Contains("a run folder, one of its checkpoints", message);
    }
}
