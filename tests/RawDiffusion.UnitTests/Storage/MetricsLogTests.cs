using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.UnitTests.Storage;

public class MetricsLogTests
{
    private static StepMetrics At(long step) => new(step, 1.0 / step, 0.1 * step, 2e-4, 100.5, step * 0.25);

    [Fact]
    public void ALineIsThereAsSoonAsItIsAppended()
    {
        using var folder = new TempFolder();
        string path = folder.At("metrics.jsonl");
        Assert.Empty(MetricsLog.Read(path));
        using var log = MetricsLog.Open(path, 0);
        for (int step = 1; step <= 3; step++)
        {
            log.Append(At(step));
            Assert.Equal(Enumerable.Range(1, step).Select(i => At(i)), MetricsLog.Read(path));
        }
        Assert.Equal("""{"step":1,"loss":1,"grad_norm":0.1,"lr":0.0002,"images_per_s":100.5,"seconds":0.25}""", Lines(path)[0]);
    }

    [Fact]
    public void SeveralLossesFollowWhatIsAlwaysThere()
    {
        using var folder = new TempFolder();
        using (var log = MetricsLog.Open(folder.At("m"), 0))
        {
            log.Append(At(1) with { Losses = [new("total", 1), new("vlb", double.NaN)] });
            log.Append(At(2));
        }
        Assert.Equal("""{"step":1,"loss":1,"grad_norm":0.1,"lr":0.0002,"images_per_s":100.5,"seconds":0.25,"losses":{"total":1,"vlb":null}}""", Lines(folder.At("m"))[0]);
        var read = MetricsLog.Read(folder.At("m"));
        Assert.Equal([new("total", 1), new("vlb", double.NaN)], read[0].Losses);
        Assert.Equal(At(2), read[1]);
        // A resumed run keeps them as they are.
        string before = Lines(folder.At("m"))[0];
        MetricsLog.Open(folder.At("m"), 1).Dispose();
        Assert.Equal([before], Lines(folder.At("m")));
    }

    [Theory]
    [InlineData("3")]
    [InlineData("null")]
    [InlineData("[]")]
    public void LossesOfAnotherFormAreNone(string losses)
    {
        using var folder = new TempFolder();
        File.WriteAllText(folder.At("m"), $$"""{"step":4,"loss":0.25,"losses":{{losses}}}""" + "\n");
        Assert.Null(Assert.Single(MetricsLog.Read(folder.At("m"))).Losses);
    }

    [Fact]
    public void NumbersThatAreNotFiniteAreNull()
    {
        using var folder = new TempFolder();
        using var log = MetricsLog.Open(folder.At("m"), 0);
        log.Append(At(1) with { Loss = double.NaN, GradNorm = double.PositiveInfinity });
        Assert.Contains("""
            "loss":null,"grad_norm":null
            """, Lines(folder.At("m"))[0]);
        Assert.Equal(At(1) with { Loss = double.NaN, GradNorm = double.NaN }, Assert.Single(MetricsLog.Read(folder.At("m"))));
    }

    [Theory]
    [InlineData("{\"step\":4,\"lo")]
    [InlineData("{\"step\":4,\"loss\":0.25,\"grad_norm\":0.4,\"lr\":0.0002,\"images_per_s\":100.5,\"seconds\":1}")]
    [InlineData("\0\0\0\0\0\0")]
    [InlineData("{\"loss\":1}\n")]
    [InlineData("[4]\n")]
    [InlineData("\n\n")]
    public void ATornEndIsRepairedOnResume(string torn)
    {
        using var folder = new TempFolder();
        string path = folder.At("metrics.jsonl");
        Log(path, 1, 2, 3);
        File.AppendAllText(path, torn);
        Assert.Equal([At(1), At(2), At(3)], MetricsLog.Read(path));
        using (var log = MetricsLog.Open(path, 3))
        {
            log.Append(At(4));
        }

        Assert.Equal([At(1), At(2), At(3), At(4)], MetricsLog.Read(path));
        Assert.Equal(4, Lines(path).Length);
    }

    [Fact]
    public void LinesAfterTheResumedStepAreDropped()
    {
        using var folder = new TempFolder();
        string path = folder.At("metrics.jsonl");
        Log(path, 10, 20, 30, 40);
        string kept = File.ReadAllText(path)[..File.ReadAllText(path).IndexOf("{\"step\":30", StringComparison.Ordinal)];
        using (MetricsLog.Open(path, 25))
        {
            Assert.Equal(kept, File.ReadAllText(path));
        }

        Assert.Equal([At(10), At(20)], MetricsLog.Read(path));
    }

    [Fact]
    public void AnIntactLogIsLeftAlone()
    {
        using var folder = new TempFolder();
        string path = folder.At("metrics.jsonl");
        Log(path, 1, 2);
        // Killed at the first operation but one: opening does nothing else than open.
        using var log = MetricsLog.Open(path, 2, FaultyFileSystem.KilledAt(1));
    }

    [Fact]
    public void RepairIsAllOrNothing()
    {
        using var folder = new TempFolder();
        string path = folder.At("metrics.jsonl");
        for (int operation = 0; ; operation++)
        {
            File.Delete(path);
            Log(path, 1, 2, 3);
            var files = FaultyFileSystem.KilledAt(operation);
            try
            {
                using var log = MetricsLog.Open(path, 2, files);
            }
            catch (KilledException)
            {
                Assert.True(MetricsLog.Read(path).Count is 2 or 3);
                using var log = MetricsLog.Open(path, 2);
            }
            Assert.Equal([At(1), At(2)], MetricsLog.Read(path));
            if (!files.HasFailed)
            {
                break;
            }
        }
    }

    /// <summary>A full disk tears one line; when there is room again the log goes on without a trace of it.</summary>
    [Fact]
    public void AFailedLineLeavesNoTrace()
    {
        using var folder = new TempFolder();
        string path = folder.At("metrics.jsonl");
        using var log = MetricsLog.Open(path, 0, new FaultyFileSystem(2, () => new IOException("No space left on device")));
        log.Append(At(1));
        Assert.Contains("No space left", Assert.Throws<StorageException>(() => log.Append(At(2))).Message);
        Assert.Equal([At(1)], MetricsLog.Read(path));
        log.Append(At(3));
        Assert.Equal([At(1), At(3)], MetricsLog.Read(path));
        Assert.Equal(2, Lines(path).Length);
    }

    private static void Log(string path, params long[] steps)
    {
        using var log = MetricsLog.Open(path, 0);
        foreach (long step in steps)
        {
            log.Append(At(step));
        }
    }

    private static string[] Lines(string path)
    {
        using var reader = new StreamReader(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite));
        return reader.ReadToEnd().Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }
}
