using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

/// <summary>A save stopped, refused or forgotten at each of its file operations in turn.</summary>
public class CheckpointCrashTests
{
    private const long Before = 100, Saved = 200, After = 300;

    private static readonly CheckpointRetention KeepOne = new(Last: 1);

    [Fact]
    public void KilledAtAnyOperationTheNewestCompleteCheckpointIsFound()
    {
        var found = new HashSet<long>();
        ForEachOperation(FaultyFileSystem.KilledAt, (path, files) =>
        {
            bool returned = true;
            try
            {
                new CheckpointFolder(path, fileSystem: files).Save(SmallCheckpoint.At(Saved), KeepOne);
            }
            catch (KilledException)
            {
                returned = false;
            }
            long step = AssertOneIsFound(path);
            found.Add(step);
            Assert.True(!returned || step == Saved);

            SmallCheckpoint.SaveTo(path, After, KeepOne);
            Assert.Equal(["step-0000300"], Directory.GetDirectories(path).Select(Path.GetFileName));
            Assert.Equal(After, AssertOneIsFound(path));
        });
        Assert.Equal([Before, Saved], found.Order());
    }

    /// <summary>Each operation fails once, as a flaky disk would have it.</summary>
    [Fact]
    public void AFailureOfAnyOperationLeavesTheOldOneAndNoTemporary() =>
        ForEachOperation(operation => new FaultyFileSystem(operation, () => new IOException("Input/output error")), AssertSaveFailsCleanly);

    [Fact]
    public void AFullDiskAtAnyOperationLeavesTheOldOneAndNoTemporary() =>
        ForEachOperation(FaultyFileSystem.FullFrom, AssertSaveFailsCleanly);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(0.5)]
    public void AfterALossOfPowerThereIsTheOldOrTheNewCheckpointAndNoWrongOne(double survival)
    {
        using var folder = new TempFolder();
        var journal = SaveJournalled(folder);
        var random = new Random(5);
        for (int done = 0; done <= journal.Count; done++)
        {
            for (int repeat = 0; repeat < (survival is 0 or 1 ? 1 : 8); repeat++)
            {
                long step = FoundAfterPowerLoss(folder, journal.Take(done), () => random.NextDouble() < survival, honest: true);
                Assert.True(step == Before || step == Saved, $"after {done} of {journal.Count} operations: step {step}");
                Assert.True(done < journal.Count || step == Saved, "A save that had returned was lost.");
            }
        }
    }

    /// <summary>The model is worth something: on a disk that ignores synchronisation, the same save is lost.</summary>
    [Fact]
    public void ADiskThatIgnoresSynchronisationLosesTheSave()
    {
        using var folder = new TempFolder();
        var journal = SaveJournalled(folder);
        Assert.NotEqual(Saved, FoundAfterPowerLoss(folder, journal, () => false, honest: false));
    }

    private static List<Action<PowerLossDisk>> SaveJournalled(TempFolder folder)
    {
        string run = folder.At("before");
        SmallCheckpoint.SaveTo(Path.Combine(run, "checkpoints"), Before);
        string saved = folder.At("saved");
        TempFolder.Copy(run, saved);
        var files = new JournalFileSystem(saved);
        new CheckpointFolder(Path.Combine(saved, "checkpoints"), fileSystem: files).Save(SmallCheckpoint.At(Saved), KeepOne);
        return files.Journal;
    }

    private static long FoundAfterPowerLoss(TempFolder folder, IEnumerable<Action<PowerLossDisk>> done, Func<bool> survives, bool honest)
    {
        var disk = PowerLossDisk.From(folder.At("before"), honest);
        foreach (var step in done)
        {
            step(disk);
        }

        string restored = folder.At("restored");
        disk.LosePower(restored, survives);
        try
        {
            using var checkpoint = new CheckpointFolder(Path.Combine(restored, "checkpoints")).FindNewest();
            if (checkpoint is null)
            {
                return -1;
            }

            SmallCheckpoint.AssertIsAt(checkpoint.Step, checkpoint);
            return checkpoint.Step;
        }
        finally
        {
            Directory.Delete(restored, recursive: true);
        }
    }

    private static void AssertSaveFailsCleanly(string path, FaultyFileSystem files)
    {
        var notices = new List<string>();
        var folder = new CheckpointFolder(path, notices.Add, files);
        try
        {
            folder.Save(SmallCheckpoint.At(Saved), KeepOne);
            // What fails after the new one is in place must not fail the save, but must be told.
            Assert.Equal(files.HasFailed, notices.Count > 0);
            Assert.Equal(Saved, AssertOneIsFound(path));
        }
        catch (StorageException e)
        {
            Assert.Contains("Could not", e.Message);
            long step = AssertOneIsFound(path);
            Assert.True(Directory.Exists(folder.PathOf(Before)));
            Assert.True(step == Before || e.Message.Contains("durable"));
            Assert.DoesNotContain(Directory.GetDirectories(path), name => name.EndsWith(".tmp", StringComparison.Ordinal));
        }
        SmallCheckpoint.SaveTo(path, After, KeepOne);
        Assert.Equal(["step-0000300"], Directory.GetDirectories(path).Select(Path.GetFileName));
    }

    private static long AssertOneIsFound(string path)
    {
        using var checkpoint = new CheckpointFolder(path).FindNewest();
        Assert.NotNull(checkpoint);
        Assert.True(checkpoint.Step is Before or Saved or After);
        SmallCheckpoint.AssertIsAt(checkpoint.Step, checkpoint);
        return checkpoint.Step;
    }

    /// <summary>Repeats a save over a folder with one checkpoint, the fault one operation later each time, until it is never reached.</summary>
    private static void ForEachOperation(Func<int, FaultyFileSystem> faultAt, Action<string, FaultyFileSystem> save)
    {
        for (int operation = 0; ; operation++)
        {
            using var folder = new TempFolder();
            string path = folder.At("checkpoints");
            SmallCheckpoint.SaveTo(path, Before);
            var files = faultAt(operation);
            save(path, files);
            if (!files.HasFailed)
            {
                Assert.True(operation > 20, "The save is expected to take more operations than this.");
                return;
            }
        }
    }
}
