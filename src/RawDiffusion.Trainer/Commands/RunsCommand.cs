using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using RawDiffusion.Core;
using RawDiffusion.Storage;
using RawDiffusion.Trainer.Terminal;

namespace RawDiffusion.Trainer.Commands;

/// <summary><c>rawdiffusion runs</c>.</summary>
internal static partial class RunsCommand
{
    private const string DefaultFolder = "runs";

    private static readonly Argument<string?> Folder = new("FOLDER") { Description = "Where the runs lie. Left out: runs/.", Arity = ArgumentArity.ZeroOrOne };
    private static readonly Option<bool> Json = Parameters.Json("Print a line of JSON for each run, with the fields run, state, step, steps, loss, preset, changed and error.");

    /// <summary>The command with its options.</summary>
    public static Command Create()
    {
        var command = new Command("runs", "Lists runs: whether they run, stopped or are finished, how far they came, and their last loss.") { Folder, Json };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parse)
    {
        string folder = parse.GetValue(Folder) ?? DefaultFolder;
        if (!Directory.Exists(folder))
        {
            throw new ConfigurationException(parse.GetValue(Folder) is null
                ? "There is no folder runs/ here, in which train puts runs. Name the folder that yours lie in."
                : $"{folder} does not exist. Name a folder that runs lie in, or a run's own.");
        }
        RunSummary[] runs = [.. Found(folder).Order(StringComparer.Ordinal).Select(RunSummary.Of)];
        if (parse.GetValue(Json))
        {
            foreach (var run in runs)
            {
                Console.WriteLine(JsonSerializer.Serialize(run, RunsContext.Default.RunSummary));
            }
            return 0;
        }
        if (runs.Length == 0)
        {
            Talk.Line($"There are no runs in {folder}.");
            return 0;
        }
        string[][] rows = [["run", "state", "step", "loss", "preset", "changed"], .. runs.Select(Row)];
        int[] widths = [.. rows[0].Select((_, column) => rows.Max(row => row[column].Length))];
        foreach (string[] row in rows)
        {
            Console.WriteLine(string.Join("  ", row.Select((cell, column) => column is 2 or 3 ? cell.PadLeft(widths[column]) : cell.PadRight(widths[column]))).TrimEnd());
        }
        return 0;
    }

    private static IEnumerable<string> Found(string folder) => RunFolder.IsRun(folder) ? [folder]
        : Directory.EnumerateDirectories(folder).Where(RunFolder.IsRun).Select(path => folder == "." ? Path.GetFileName(path) : path);

    private static string[] Row(RunSummary run) =>
    [
        run.Run,
        run.State,
        $"{Number(run.Step)}/{Number(run.Steps)}",
        run.Loss?.ToString("0.0000", CultureInfo.InvariantCulture) ?? "",
        run.Preset ?? "",
        run.Error ?? run.Changed.ToLocalTime().ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture),
    ];

    private static string Number(long? value) => value?.ToString("N0", CultureInfo.InvariantCulture) ?? "?";

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower)]
    [JsonSerializable(typeof(RunSummary))]
    private sealed partial class RunsContext : JsonSerializerContext;
}
