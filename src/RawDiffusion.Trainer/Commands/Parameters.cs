using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Numerics;
using RawDiffusion.Core;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary>Makes options and arguments whose mistakes are told in plain words.</summary>
internal static class Parameters
{
    /// <summary>The MODEL that many commands take.</summary>
    public static Argument<string> Model() => new("MODEL")
    {
        Description = "A run folder (its newest checkpoint is used), one of its checkpoints (RUN/checkpoints/step-NNNNNNN), or a folder in the layout of diffusers.",
    };

    /// <summary>The device that many commands run on.</summary>
    public static Option<string?> Device() => Text("--device", "NAME", "auto (a GPU if there is one), cpu, cuda or cuda:i.").Completing("auto", "cpu", "cuda", "cuda:0");

    /// <summary>The precision that many commands compute in.</summary>
    public static Option<string?> Precision() => Text("--precision", "NAME", "auto, fp32, tf32 or bf16.").Completing([.. NamedEnum<Precision>.Names]);

    /// <summary>The CPU threads that many commands compute with.</summary>
    public static Option<int?> Threads() => Number<int>("--threads", "N", "CPU threads. Default: all.");

    /// <summary>Says only what went wrong, or may have. One option for all commands that have it.</summary>
    public static Option<bool> Quiet { get; } = new("--quiet") { Description = "Say only what went wrong, or may have: no progress, no summary." };

    /// <summary>Prints for programs to read.</summary>
    public static Option<bool> Json(string description) => new("--json") { Description = description };

    /// <summary>Has a shell complete an option's value.</summary>
    public static Option<string?> Completing(this Option<string?> option, params string[] values)
    {
        option.CompletionSources.Add(values);
        return option;
    }

    /// <summary>An option with a text.</summary>
    public static Option<string?> Text(string name, string placeholder, string description) => new(name) { HelpName = placeholder, Description = description };

    /// <summary>An option that must be given.</summary>
    public static Option<string> RequiredText(string name, string placeholder, string description) =>
        new(name) { HelpName = placeholder, Description = description, Required = true };

    /// <summary>An option with a number.</summary>
    public static Option<T?> Number<T>(string name, string placeholder, string description) where T : struct, INumber<T> => new(name)
    {
        HelpName = placeholder,
        Description = description,
        CustomParser = result => ParseNumber<T>(name, result),
    };

    private static T? ParseNumber<T>(string name, ArgumentResult result) where T : struct, INumber<T>
    {
        string text = result.Tokens[0].Value;
        if (T.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
        {
            return value;
        }
        string expected = typeof(T) == typeof(double) ? "a number" : typeof(T) == typeof(ulong) ? "a whole number of at least 0" : "a whole number";
        result.AddError($"{name} is '{text}', but it must be {expected}");
        return null;
    }
}
