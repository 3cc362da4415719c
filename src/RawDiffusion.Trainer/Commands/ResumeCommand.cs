using System.CommandLine;
using RawDiffusion.Storage;
using RawDiffusion.Trainer.Terminal;
using RawDiffusion.Training;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary><c>rawdiffusion resume</c>.</summary>
internal static class ResumeCommand
{
    private static readonly Argument<string> RunPath = new("RUN") { Description = "The run's folder." };
    private static readonly Option<long?> Steps = Parameters.Number<long>(
        "--steps", "N", "A new number of training steps in all, those already done counted in. Left out: what the run was started with.");

    private static readonly Option<string?> DeviceName = Parameters.Device();

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("resume",
            "Goes on with a run from its newest intact checkpoint, exactly as if it had never stopped: weights, moving average, optimizer, data order and random numbers.")
        {
            RunPath, Steps, DeviceName, Parameters.Quiet,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parse)
    {
        string path = parse.GetRequiredValue(RunPath);
        using var folder = RunFolder.Resume(path, Talk.Warning);
        var config = RunConfigJson.FromJson(RunFolder.ReadConfig(path), folder.ConfigPath);
        var data = Datasets.Open(config.Data);
        using var device = DeviceChoice.Open(config.Device, parse.GetValue(DeviceName));
        var display = ITrainingDisplay.For(device.Description);
        return TrainingRun.Of(display, () => TrainingSession.Resume(folder, device, data, [display], parse.GetValue(Steps)));
    }
}
