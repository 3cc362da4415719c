namespace RawDiffusion.EndToEndTests;

/// <summary>What a user may edit in a run's config.json before a resume, and what not.</summary>
public sealed class ResumeConfigTests
{
    [Fact]
    public void DataThatWasMovedIsFoundWhereTheConfigurationNowSays()
    {
        using var at = new Workspace();
        TinyMnist.Write(at, "data");
        at.Train("run", 2, "--data", "data", "--preset", "mnist").Succeeded();
        Directory.Move(at.At("data"), at.At("moved"));
        Assert.Contains("data", at.Run("resume", "run", "--steps", "3").Refused(3).Error);
        Edit(at, "data.path", $"\"{at.At("data")}\"", $"\"{at.At("moved")}\"");
        at.Run("resume", "run", "--steps", "3").Succeeded();
        // It stays where the user put it.
        at.Run("resume", "run", "--steps", "4").Succeeded();
        Assert.True(Directory.Exists(at.At("run", "checkpoints", "step-0000004")));
    }

    [Fact]
    public void AnotherTrainingIsRefusedKeyByKey()
    {
        using var at = new Workspace();
        at.Train("run", 2).Succeeded();
        Edit(at, "optimizer.learning_rate", "\"learning_rate\": 0.001", "\"learning_rate\": 0.5");
        Edit(at, "batch", "\"batch\": 4", "\"batch\": 8");
        string[] before = at.Contents().Where(line => line.Contains("checkpoints", StringComparison.Ordinal)).ToArray();
        at.Run("resume", "run", "--steps", "3").Refused(2, "optimizer.learning_rate: 0.001 → 0.5", "batch: 4 → 8", "network.start_from");
        Assert.Equal(before, at.Contents().Where(line => line.Contains("checkpoints", StringComparison.Ordinal)));
    }

    private static void Edit(Workspace at, string key, string old, string replacement)
    {
        string path = at.At("run", "config.json"), text = File.ReadAllText(path);
        Assert.True(text.Contains(old, StringComparison.Ordinal), $"config.json has no {key} as {old}");
        File.WriteAllText(path, text.Replace(old, replacement));
    }
}
