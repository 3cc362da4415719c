using System.CommandLine;
using RawDiffusion.Pipelines;
using RawDiffusion.Trainer.Terminal;

namespace RawDiffusion.Trainer.Commands;

/// <summary><c>rawdiffusion predict</c>.</summary>
internal static class PredictCommand
{
    private static readonly Argument<string> Model = Parameters.Model();
    private static readonly Option<string> Input = Parameters.RequiredText(
        "--input", "IN.safetensors",
        "Tensors sample [N, C, H, W] float32, timestep [N] int64 (or one number for all, or numbers between), and for a model with classes class_labels [N] int64.");
    private static readonly Option<string> Output = Parameters.RequiredText(
        "--output", "OUT.safetensors", "Gets the tensor output [N, C, H, W] float32: what the network says, neither scaled nor clipped.");

    private static readonly Option<string?> DeviceName = Parameters.Device();

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("predict", "Runs the network once on given noisy images, to compare it with other systems.")
        {
             Model, Input, Output, DeviceName, Parameters.Quiet,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parse)
    {
        using var device = DeviceChoice.Open(parse.GetValue(DeviceName));
        using var loaded = LoadedModel.Open(parse.GetRequiredValue(Model), device, notice: Talk.Warning);
        string output = parse.GetRequiredValue(Output);
        Predictor.Run(loaded, parse.GetRequiredValue(Input), output);
        Talk.Line($"{loaded.Text}: wrote {output}");
        return 0;
    }
}
