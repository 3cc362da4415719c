using System.CommandLine;
using RawDiffusion.Core;

namespace RawDiffusion.Trainer.Commands;

/// <summary><c>rawdiffusion completion</c>.</summary>
internal static class CompletionCommand
{
    private static readonly Dictionary<string, string> _scripts = new()
    {
        ["bash"] = """
            # eval "$(rawdiffusion completion bash)" in ~/.bashrc
            _rawdiffusion() {
                local IFS=$'\n' word="${COMP_WORDS[COMP_CWORD]}"
                COMPREPLY=($(compgen -W "$("${COMP_WORDS[0]}" "[suggest:$COMP_POINT]" "$COMP_LINE" 2>/dev/null)" -- "$word"))
                [[ ${COMPREPLY[0]-} == *= ]] && compopt -o nospace
            }
            complete -o default -F _rawdiffusion rawdiffusion
            """,
        ["zsh"] = """
            # eval "$(rawdiffusion completion zsh)" in ~/.zshrc, after compinit
            _rawdiffusion() {
                local -a found
                found=("${(@f)$("${words[1]}" "[suggest:$CURSOR]" "$BUFFER" 2>/dev/null)}")
                compadd -S '' -- $found || _files
            }
            compdef _rawdiffusion rawdiffusion
            """,
        ["fish"] = """
            # rawdiffusion completion fish | source, in ~/.config/fish/config.fish
            complete -c rawdiffusion -a '(rawdiffusion "[suggest:"(commandline -C)"]" (commandline -cp) 2>/dev/null)'
            """,
    };

    private static readonly Argument<string> Shell = new("SHELL") { Description = "bash, zsh or fish." };

    /// <summary>The command.</summary>
    public static Command Create()
    {
        var command = new Command("completion", "Prints a script for a shell, with which it completes commands, options and their values.") { Shell };
        Shell.CompletionSources.Add([.. _scripts.Keys]);
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult parse)
    {
        string shell = parse.GetRequiredValue(Shell);
        Console.WriteLine(_scripts.GetValueOrDefault(shell)
            ?? throw new ConfigurationException($"There is no completion for the shell {shell}; there is one for {string.Join(", ", _scripts.Keys)}."));
        return 0;
    }
}
