using System.CommandLine;
using RawDiffusion.Pipelines;
using RawDiffusion.Trainer.Terminal;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary><c>rawdiffusion export</c>.</summary>
internal static class ExportCommand
{
    private static readonly Argument<string> Model = Parameters.Model();
    private static readonly Option<string> Out = Parameters.RequiredText("--out", "DIR", "The new folder.");

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("export", "Writes a model's moving average in the layout of Hugging Face diffusers (model_index.json, scheduler/, unet/), " +
            "with a model card. Such a folder is a MODEL here too.") { Model, Out, Parameters.Quiet };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parse)
    {
        using var device = DeviceChoice.Open(new DeviceConfig { Name = "cpu" });
        using var loaded = LoadedModel.Open(parse.GetRequiredValue(Model), device, notice: Talk.Warning);
        string folder = parse.GetRequiredValue(Out);
        foreach (string assumption in loaded.Description.Assumptions)
        {
            Talk.Line(assumption);
        }
        DiffusersExport.Write(loaded, folder);
        Talk.Line($"{loaded.Text}: exported to {folder}");
        return 0;
    }
}
