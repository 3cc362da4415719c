using System.CommandLine;
using System.CommandLine.Parsing;
using RawDiffusion.Core;
using RawDiffusion.Trainer.Commands;
using RawDiffusion.Training.Configuration;

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
            "and says where its pictures are. Then `rawdiffusion sample RUN --out shapes.png` draws new ones.")
        {
            TrainCommand.Create(),
            ResumeCommand.Create(),
            SampleCommand.Create(),
            PredictCommand.Create(),
            BenchCommand.Create(),
            ExportCommand.Create(),
            DoctorCommand.Create(),
        };
        // Paths may begin with @; here they are no response files.
        var parse = root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        return parse.Errors.Count == 0 || parse.Action?.ClearsParseErrors == true
            ? parse.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false, ProcessTerminationTimeout = null })
            : throw new ConfigurationException(Describe(parse));
    }

    private static string Describe(ParseResult parse)
    {
        var command = parse.CommandResult.Command;
        bool isRoot = command is RootCommand;
        string help = $"`rawdiffusion {(isRoot ? "" : command.Name + " ")}--help` explains {(isRoot ? "the commands" : "its options")}.";
        if (parse.Tokens.Count == 0)
        {
            return $"No command was given; there are {string.Join(", ", command.Subcommands.Select(sub => sub.Name))}. {help}";
        }
        var known = isRoot ? command.Subcommands.Select(sub => sub.Name) : command.Options.Select(option => option.Name);
        var problems = parse.UnmatchedTokens.Select(token => $"{(isRoot ? "there is no command" : "there is no option or place for")} {token}{NearestName.Suggestion(token, known)}").ToList();
        // What the parser says besides; a missing command is no news where an unknown one was given.
        problems.AddRange(parse.Errors
            .Select(error => error.Message.TrimEnd('.'))
            .Where(message => !(isRoot && problems.Count > 0) && !parse.UnmatchedTokens.Any(token => message.Contains($"'{token}'", StringComparison.Ordinal)))
            .Distinct()
            .ToArray());
        return $"Wrong usage{(isRoot ? "" : $" of {command.Name}")}: {string.Join("; ", problems)}. {help}";
    }
}
