namespace RawDiffusion.EndToEndTests;

public class SignalTests
{
    /// <summary>A shell's background job ignores SIGINT, and hands that down to whatever it starts.</summary>
    private static void SkipWhereItDoesNotArrive(int signal)
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "signals are POSIX's");
        const string Ignored = "SigIgn:";
        string? mask = File.Exists("/proc/self/status") ? File.ReadLines("/proc/self/status").FirstOrDefault(line => line.StartsWith(Ignored, StringComparison.Ordinal)) : null;
        bool ignored = mask is not null && (Convert.ToUInt64(mask[Ignored.Length..].Trim(), 16) & (1ul << (signal - 1))) != 0;
        Assert.SkipWhen(ignored, "this test runs where its signal is ignored, as in a background job");
    }

    private static RunningProgram StartEndless(Workspace at, string run = "run")
    {
        var program = at.Start(["train", "--out", run, "--steps", "1000000", "--save-every", "1000000", "--sample-every", "0", .. Workspace.Tiny]);
        program.WaitForLine("step 1/");
        return program;
    }

    [Theory]
    [InlineData(RunningProgram.Interrupt, 130)]
    [InlineData(RunningProgram.Terminate, 143)]
    public void OneSignalFinishesTheStepSavesAndStops(int signal, int exitCode)
    {
        SkipWhereItDoesNotArrive(signal);
        using var at = new Workspace();
        var program = StartEndless(at);
        program.Signal(signal);
        var result = program.WaitForExit();
        Assert.Equal(exitCode, result.ExitCode);
        string checkpoint = Path.GetFileName(Assert.Single(Directory.GetDirectories(at.At("run", "checkpoints"))));
        Assert.Contains("rawdiffusion resume run", result.Error);
        int step = int.Parse(checkpoint["step-".Length..]);
        Assert.Contains($"Stopped after step {step} of 1000000", result.Error);

        at.Run("resume", "run", "--steps", $"{step + 1}").Succeeded();
        Assert.True(Directory.Exists(at.At("run", "checkpoints", $"step-{step + 1:D7}")));
    }

    [Fact]
    public void AnUnlimitedFlowOfSignalsStillEndsIt()
    {
        SkipWhereItDoesNotArrive(RunningProgram.Interrupt);
        using var at = new Workspace();
        var program = StartEndless(at);
        program.Signal(RunningProgram.Interrupt);
        program.Signal(RunningProgram.Interrupt);
        program.Signal(RunningProgram.Interrupt);
        Assert.Equal(130, program.WaitForExit().ExitCode);
        // Whether the first one had time to save or not, nothing half-written is taken for a checkpoint.
        Assert.True(at.Run("resume", "run", "--steps", "1").ExitCode is 2 or 6);
    }

    [Fact]
    public void ASecondTrainerOnARunIsRefusedAndTheFirstGoesOn()
    {
        SkipWhereItDoesNotArrive(RunningProgram.Terminate);
        using var at = new Workspace();
        var program = StartEndless(at);
        at.Run("resume", "run").Refused(6, "run is being trained by another process");
        at.Train("run", 5).Refused(6, "run is being trained by another process");
        program.Signal(RunningProgram.Terminate);
        Assert.Equal(143, program.WaitForExit().ExitCode);
        at.Train("run", 5).Refused(2, "holds a run already", "resume");
    }
}
