using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

public class CheckpointTests
{
    public static TheoryData<string> FileNames => [.. SmallCheckpoint.TensorFiles, "state.json", "manifest.json"];

    [Fact]
    public void WhatIsSavedIsReadBack()
    {
        using var folder = new TempFolder();
        string path = new CheckpointFolder(folder.At("checkpoints")).Save(SmallCheckpoint.At(42), new CheckpointRetention());
        Assert.Equal(folder.At("checkpoints", "step-0000042"), path);
        using var checkpoint = Checkpoint.Open(path);
        SmallCheckpoint.AssertIsAt(42, checkpoint);
        Assert.Equal(12345678901234567UL, checkpoint.State["random"]!["seed"]!.GetValue<ulong>());
        Assert.Equal(2e-4, checkpoint.State["rate"]!.GetValue<double>());
        Assert.Contains("holds no other.safetensors", Assert.Throws<StorageException>(() => checkpoint.Tensors("other.safetensors")).Message);
    }

    [Fact]
    public void EqualContentsGiveEqualFiles()
    {
        using var folder = new TempFolder();
        var (a, b) = (SmallCheckpoint.SaveTo(folder.At("a"), 7), SmallCheckpoint.SaveTo(folder.At("b"), 7));
        Assert.All(FileNames.Select(row => row.Data), name => Assert.Equal(File.ReadAllBytes(Path.Combine(a, name)), File.ReadAllBytes(Path.Combine(b, name))));
    }

    /// <summary>A flipped bit, all over each file, is found, and told by file and, within one, by tensor.</summary>
    [Theory]
    [MemberData(nameof(FileNames))]
    public void AFlippedBitIsFoundAndNamed(string name)
    {
        using var folder = new TempFolder();
        string path = SmallCheckpoint.SaveTo(folder.At("checkpoints"), 1);
        string file = Path.Combine(path, name);
        byte[] good = File.ReadAllBytes(file);
        var places = TensorPlaces(file);
        for (int i = 0; i < good.Length; i += 1 + (good.Length / 400))
        {
            byte[] bad = good.ToArray();
            bad[i] ^= (byte)(1 << (i % 8));
            File.WriteAllBytes(file, bad);
            string message = Assert.Throws<StorageException>(() => Checkpoint.Open(path)).Message;
            Assert.Contains(file, message);
            Assert.Contains(places.FirstOrDefault(place => i >= place.Begin && i < place.End).Name ?? "damaged", message);
        }
        File.WriteAllBytes(file, good);
        using var checkpoint = Checkpoint.Open(path);
        SmallCheckpoint.AssertIsAt(1, checkpoint);
    }

    [Theory]
    [MemberData(nameof(FileNames))]
    public void TruncationIsFoundAndNamed(string name)
    {
        using var folder = new TempFolder();
        string path = SmallCheckpoint.SaveTo(folder.At("checkpoints"), 1);
        string file = Path.Combine(path, name);
        byte[] good = File.ReadAllBytes(file);
        var places = TensorPlaces(file);
        for (int length = 0; length < good.Length; length += 1 + (good.Length / 150))
        {
            File.WriteAllBytes(file, good[..length]);
            string message = Assert.Throws<StorageException>(() => Checkpoint.Open(path)).Message;
            Assert.Contains(file, message);
            if (places.Length > 0)
            {
                Assert.Contains(places.First(place => length < place.End).Name, message);
            }
        }
        File.WriteAllBytes(file, [.. good, 0]);
        Assert.Contains(file, Assert.Throws<StorageException>(() => Checkpoint.Open(path)).Message);
        File.Delete(file);
        Assert.Contains(name, Assert.Throws<StorageException>(() => Checkpoint.Open(path)).Message);
    }

    [Fact]
    public void TheNewestIntactOneIsFoundAndTheDamagedOnesAreTold()
    {
        using var folder = new TempFolder();
        string path = folder.At("checkpoints");
        foreach (long step in new long[] { 100, 200, 300 })
        {
            SmallCheckpoint.SaveTo(path, step);
        }

        Flip(Path.Combine(path, "step-0000300", "ema.safetensors"), ^1);
        File.Delete(Path.Combine(path, "step-0000200", "manifest.json"));

        var notices = new List<string>();
        using var newest = new CheckpointFolder(path, notices.Add).FindNewest();
        SmallCheckpoint.AssertIsAt(100, newest!);
        Assert.Equal(2, notices.Count);
        Assert.All(["step-0000300", "ema.safetensors", "'norm.weight'"], part => Assert.Contains(part, notices[0]));
        Assert.All(["step-0000200", "manifest.json"], part => Assert.Contains(part, notices[1]));
    }

    [Fact]
    public void WithoutAnyThereIsNone()
    {
        using var folder = new TempFolder();
        Assert.Null(new CheckpointFolder(folder.At("checkpoints")).FindNewest());
        Directory.CreateDirectory(folder.At("checkpoints", "step-0000005.tmp"));
        Directory.CreateDirectory(folder.At("checkpoints", "step-5"));
        Directory.CreateDirectory(folder.At("checkpoints", "other"));
        Assert.Null(new CheckpointFolder(folder.At("checkpoints")).FindNewest());
    }

    [Fact]
    public void ANewerFormatIsRefusedNotPassedOver()
    {
        using var folder = new TempFolder();
        SmallCheckpoint.SaveTo(folder.At("checkpoints"), 1);
        string path = SmallCheckpoint.SaveTo(folder.At("checkpoints"), 2);
        File.WriteAllBytes(Path.Combine(path, "manifest.json"), new CheckpointManifest { Format = 2, Step = 2, Files = [] }.ToBytes());
        string message = Assert.Throws<ConfigurationException>(() => new CheckpointFolder(folder.At("checkpoints")).FindNewest()).Message;
        Assert.Contains("format 2", message);
        Assert.Contains("format 1", message);
    }

    [Fact]
    public void AnIntactCheckpointIsNeverOverwritten()
    {
        using var folder = new TempFolder();
        string path = SmallCheckpoint.SaveTo(folder.At("checkpoints"), 5);
        byte[] before = File.ReadAllBytes(Path.Combine(path, "manifest.json"));
        Assert.Contains("exists already", Assert.Throws<StorageException>(() => SmallCheckpoint.SaveTo(folder.At("checkpoints"), 5)).Message);
        Assert.Equal(before, File.ReadAllBytes(Path.Combine(path, "manifest.json")));
    }

    /// <summary>After a fall-back past a damaged checkpoint, training comes to its step again.</summary>
    [Fact]
    public void ADamagedOneOfTheSameStepIsSetAside()
    {
        using var folder = new TempFolder();
        string path = folder.At("checkpoints");
        for (int i = 0; i < 3; i++)
        {
            string saved = SmallCheckpoint.SaveTo(path, 5);
            Flip(Path.Combine(saved, "weights.safetensors"), ^1);
        }
        SmallCheckpoint.SaveTo(path, 5);
        Assert.Equal(["step-0000005", "step-0000005.damaged", "step-0000005.damaged-2", "step-0000005.damaged-3"], Names(path));
        using var checkpoint = new CheckpointFolder(path).FindNewest();
        SmallCheckpoint.AssertIsAt(5, checkpoint!);
    }

    [Fact]
    public void RetentionKeepsTheLastAndTheMilestones()
    {
        using var folder = new TempFolder();
        for (int step = 10; step <= 100; step += 10)
        {
            SmallCheckpoint.SaveTo(folder.At("checkpoints"), step, new CheckpointRetention(Last: 2, Every: 40));
        }

        Assert.Equal([40, 80, 90, 100], new CheckpointFolder(folder.At("checkpoints")).Steps());
    }

    /// <summary>What lies ahead, damaged or of an abandoned future, neither counts as one of the last nor is deleted.</summary>
    [Fact]
    public void PruningSparesLaterStepsAndTheNewOne()
    {
        using var folder = new TempFolder();
        foreach (long step in new long[] { 10, 300 })
        {
            SmallCheckpoint.SaveTo(folder.At("checkpoints"), step);
        }

        SmallCheckpoint.SaveTo(folder.At("checkpoints"), 20, new CheckpointRetention(Last: 1));
        Assert.Equal([20, 300], new CheckpointFolder(folder.At("checkpoints")).Steps());
    }

    [Fact]
    public void LeftoversAreCleanedByTheNextSave()
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.At("checkpoints", "step-0000001.tmp", "weights.safetensors"), "half");
        SmallCheckpoint.SaveTo(folder.At("checkpoints"), 2);
        Assert.Equal(["step-0000002"], Names(folder.At("checkpoints")));
    }

    [Fact]
    public void AFailureOfTheValuesLeavesNothingBehind()
    {
        using var folder = new TempFolder();
        var contents = new CheckpointContents(1, [new TensorFile("a.safetensors", [TensorSource.Floats("a", [1], (Span<float> _) => throw new DeviceException("lost"))])], []);
        Assert.Throws<DeviceException>(() => new CheckpointFolder(folder.At("checkpoints")).Save(contents, new()));
        Assert.Empty(Names(folder.At("checkpoints")));
    }

    [Fact]
    public void AManifestThatReachesOutOfItsFolderIsRefused()
    {
        using var folder = new TempFolder();
        string path = SmallCheckpoint.SaveTo(folder.At("checkpoints"), 1);
        var manifest = new CheckpointManifest { Format = 1, Step = 1, Files = [new ManifestFile("../secret", 0, "", [])] };
        File.WriteAllBytes(Path.Combine(path, "manifest.json"), manifest.ToBytes());
        Assert.Contains("../secret", Assert.Throws<StorageException>(() => Checkpoint.Open(path)).Message);
    }

    private static void Flip(string file, Index at)
    {
        byte[] bytes = File.ReadAllBytes(file);
        bytes[at] ^= 1;
        File.WriteAllBytes(file, bytes);
    }

    private static string[] Names(string folder) => [.. Directory.GetFileSystemEntries(folder).Select(entry => Path.GetFileName(entry)!).Order(StringComparer.Ordinal)];

    private static (string Name, long Begin, long End)[] TensorPlaces(string file)
    {
        if (!file.EndsWith(".safetensors", StringComparison.Ordinal))
        {
            return [];
        }

        using var reader = SafetensorsReader.Open(file);
        return [.. reader.Names.Select(reader.Entry).Select(entry => ($"'{entry.Name}'", entry.Offset, entry.Offset + entry.Length))];
    }
}
