using System.Globalization;
using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

public class RunFolderTests
{
    private static readonly JsonObject Config = new() { ["preset"] = "shapes", ["seed"] = 1 };

    [Fact]
    public void RunsAreNumberedOnwards()
    {
        using var folder = new TempFolder();
        using var first = RunFolder.Create(null, "shapes", root: folder.Path);
        Directory.CreateDirectory(folder.At("0041-old"));
        using var second = RunFolder.Create(null, "mnist", root: folder.Path);
        Assert.Equal(folder.At("0001-shapes"), first.Path);
        Assert.Equal(folder.At("0042-mnist"), second.Path);
        Assert.True(Directory.Exists(second.SamplesPath));
        Assert.Equal(Path.Combine(second.Path, "samples", "step-0000500.png"), second.SamplePath(500));
    }

    [Fact]
    public void AFolderWithARunIsRefusedUnlessResumed()
    {
        using var folder = new TempFolder();
        string path = folder.At("deep", "run");
        using (var run = RunFolder.Create(path, "x"))
        {
            run.WriteConfig(Config);
        }

        string message = Assert.Throws<ConfigurationException>(() => RunFolder.Create(path, "x")).Message;
        Assert.StartsWith($"{path} holds a run already", message);
        using var resumed = RunFolder.Resume(path);
        Assert.True(JsonNode.DeepEquals(Config, RunFolder.ReadConfig(resumed.Path)));
    }

    [Fact]
    public void AnAttemptThatNeverBecameARunCanBeRepeated()
    {
        using var folder = new TempFolder();
        RunFolder.Create(folder.At("run"), "x").Dispose();
        using var again = RunFolder.Create(folder.At("run"), "x");
    }

    [Fact]
    public void OnlyARunCanBeResumed()
    {
        using var folder = new TempFolder();
        Assert.Contains("does not exist", Assert.Throws<ConfigurationException>(() => RunFolder.Resume(folder.At("absent"))).Message);
        Assert.Contains("no config.json", Assert.Throws<ConfigurationException>(() => RunFolder.Resume(folder.Path)).Message);
        File.WriteAllText(folder.At("diffusers", "config.json"), """{"_class_name":"UNet2DModel"}""");
        Assert.Throws<ConfigurationException>(() => RunFolder.Resume(folder.At("diffusers")));
    }

    [Fact]
    public void ARunInTrainingIsRefusedNamingTheProcess()
    {
        using var folder = new TempFolder();
        string path = folder.At("run");
        using (var run = RunFolder.Create(path, "x"))
        {
            run.WriteConfig(Config);
            string pid = $"(pid {Environment.ProcessId.ToString(CultureInfo.InvariantCulture)})";
            Assert.Contains(pid, Assert.Throws<StorageException>(() => RunFolder.Resume(path)).Message);
            Assert.Contains(pid, Assert.Throws<StorageException>(() => RunFolder.Create(path, "x")).Message);
            Assert.True(JsonNode.DeepEquals(Config, RunFolder.ReadConfig(path)), "Reading needs no lock.");
        }
        var notices = new List<string>();
        using var later = RunFolder.Resume(path, notices.Add);
        Assert.Empty(notices);
    }

    [Fact]
    public void ALockLeftByADeadProcessIsTakenOverWithANotice()
    {
        using var folder = new TempFolder();
        string path = folder.At("run");
        using (var run = RunFolder.Create(path, "x"))
        {
            run.WriteConfig(Config);
        }

        File.WriteAllText(Path.Combine(path, "train.pid"), "424242\n");
        var notices = new List<string>();
        using (RunFolder.Resume(path, notices.Add))
        {
            Assert.Contains("424242", Assert.Single(notices));
        }

        using var again = RunFolder.Resume(path, notices.Add);
        Assert.Single(notices);
    }

    [Fact]
    public void AFolderThatCannotBeMadeIsAStorageError()
    {
        using var folder = new TempFolder();
        string file = folder.Write("file", []);
        Assert.Contains(file, Assert.Throws<StorageException>(() => RunFolder.Create(Path.Combine(file, "run"), "x")).Message);
        Assert.Contains(file, Assert.Throws<StorageException>(() => RunFolder.Create(null, "x", root: file)).Message);
    }

    [Fact]
    public void TheConfigurationIsTheOldOrTheNewOneAtAnyMoment()
    {
        using var folder = new TempFolder();
        string path = folder.At("run");
        using (var run = RunFolder.Create(path, "x"))
        {
            run.WriteConfig(Config);
        }

        var changed = new JsonObject { ["preset"] = "mnist" };
        var seen = new List<string>();
        for (int operation = 0; seen.Count == 0 || seen[^1] != "done"; operation++)
        {
            var files = new FaultyFileSystem(operation, () => new KilledException(), _ => true);
            try
            {
                using var run = RunFolder.Resume(path, fileSystem: files);
                run.WriteConfig(changed);
                seen.Add("done");
            }
            catch (KilledException)
            {
                seen.Add(RunFolder.ReadConfig(path)["preset"]!.GetValue<string>());
            }
        }
        Assert.Equal(["mnist", "done"], seen[^2..]);
        Assert.Equal("shapes", seen[0]);
    }
}
