using System.CommandLine;
using RawDiffusion.Core;
using RawDiffusion.Trainer.Commands;
using RawDiffusion.Trainer.Terminal;

namespace RawDiffusion.Trainer;

/// <summary>The commands, and what is said about wrong usage.</summary>
internal static class CommandLine
{
    /// <summary>Runs what the arguments ask for, and returns the exit code.</summary>
    /// <exception cref="ConfigurationException">The arguments are wrong; all that is wrong with them is named.</exception>
    public static int Run(string[] arguments)
    {
        var root = new RootCommand(
            "Trains and samples denoising diffusion models. Begin with `rawdiffusion train`: it needs no data, draws coloured shapes, " +
            "and says where its pictures are. Then `rawdiffusion sample RUN` draws new ones. `rawdiffusion help COMMAND` explains a command.")
        {
            TrainCommand.Create(),
            ResumeCommand.Create(),
            SampleCommand.Create(),
            RunsCommand.Create(),
            EvaluateCommand.Create(),
            PredictCommand.Create(),
            BenchCommand.Create(),
            ExportCommand.Create(),
            DoctorCommand.Create(),
            CompletionCommand.Create(),
        };
        // Paths may begin with @; here they are no response files.
        var parse = root.Parse(Usual(arguments), new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parse.Errors.Count > 0 && parse.Action?.ClearsParseErrors != true)
        {
            throw new ConfigurationException(Describe(parse));
        }
        Talk.IsQuiet = parse.CommandResult.Command.Options.Contains(Parameters.Quiet) && parse.GetValue(Parameters.Quiet);
        return parse.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null });
    }

    /// <summary>What other programs understand too, in the words of this one's parser.</summary>
    private static string[] Usual(string[] arguments) => arguments switch
    {
        [] or ["help"] => ["--help"],
        ["help", var command, ..] => [command, "--help"],
        ["version"] or ["-V"] => ["--version"],
        _ => arguments,
    };

    private static string Describe(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        bool isRoot = command is RootCommand;
        string help = $"`rawdiffusion {(isRoot ? "" : command.Name + " ")}--help` explains {(isRoot ? "the commands" : "its options")}.";
        // What follows an unknown option is its value, no mistake of its own.
        // What an unknown command would have taken cannot be known; the parser takes all of it for unknown commands.
        var unmatched = isRoot && parse.UnmatchedTokens.Any(token => !token.StartsWith('-')) ? parse.UnmatchedTokens.Where(token => !token.StartsWith('-')).Take(1)
            : parse.UnmatchedTokens.Any(token => token.StartsWith('-')) ? parse.UnmatchedTokens.Where(token => token.StartsWith('-')) : parse.UnmatchedTokens;
        var problems = unmatched.Select(token => isRoot
            ? $"there is no command {token}{OtherNames.CommandHint(token, command.Subcommands.Select(sub => sub.Name))}"
            : $"there is no option or place for {token}{OtherNames.OptionHint(token, command)}").ToList();
        // What the parser says besides; a missing command is no news where an unknown one was given.
        problems.AddRange(parse.Errors
            .Select(error => error.Message.TrimEnd('.'))
            .Where(message => !(isRoot && problems.Count > 0) && !parse.UnmatchedTokens.Any(token => message.Contains($"'{token}'", StringComparison.Ordinal)))
            .Distinct()
            .ToArray());
        string told = ProblemList.Tell($"Wrong usage{(isRoot ? "" : $" of {command.Name}")}", problems);
        return told + (problems.Count == 1 ? " " : "\n") + help;
    }
}
