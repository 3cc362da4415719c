using System.Globalization;
using RawDiffusion.Core;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary>Which number is which class: shown when training and drawing begin, and asked for by name.</summary>
internal static class ClassNames
{
    private const int MostShown = 20;

    /// <summary>All classes with their numbers, in one line.</summary>
    /// <param name="names">The names by their numbers; empty where they are not known.</param>
    /// <param name="count">How many classes there are.</param>
    public static string Describe(IReadOnlyList<string> names, int count)
    {
        if (names.Count == 0)
        {
            return count == 1 ? "the class 0, whose name is not known" : $"the classes 0 to {count - 1}, whose names are not known";
        }
        string rest = names.Count > MostShown ? $", … {Show(names.Count - 1, names)} ({names.Count} in all)" : "";
        return $"the classes {string.Join(", ", names.Take(MostShown).Select((_, i) => Show(i, names)))}{rest}";
    }

    /// <summary>A class's number and name.</summary>
    public static string Show(int label, IReadOnlyList<string> names) => label < names.Count ? $"{label} {names[label]}" : $"{label}";

    /// <summary>The number of the class that a text asks for: by its name, also where that is a number, or else by its number.</summary>
    /// <param name="rules">Where to complain.</param>
    /// <param name="option">The option that asks.</param>
    /// <param name="text">A name or a number.</param>
    /// <param name="names">The names by their numbers; empty where they are not known.</param>
    /// <param name="count">How many classes there are.</param>
    /// <returns>Null, with a complaint, where there is no such class.</returns>
    public static int? Find(ConfigurationRules rules, string option, string text, IReadOnlyList<string> names, int count)
    {
        for (int label = 0; label < names.Count; label++)
        {
            if (names[label] == text)
            {
                return label;
            }
        }
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number < count)
        {
            return number;
        }
        rules.Add(new ConfigurationProblem(option, "", "")
        {
            Words = count == 0
                ? $"{option} was given, but the model was trained without classes. Leave it out, or train with --conditional"
                : $"{option} is '{text}', but the model has {Describe(names, count)}{NearestName.Suggestion(text, names)}",
        });
        return null;
    }
}
