using System.Globalization;

namespace RawDiffusion.Data;

/// <summary>Which number is which class, where classes are told by texts.</summary>
internal static class ClassNumbers
{
    /// <summary>
    /// Numbers classes: where all texts are numbers that leave few gaps, each is its own class's number; otherwise the classes are the different
    /// texts, in the order of the numbers they are, or in ordinal order.
    /// </summary>
    /// <param name="texts">The class of each image.</param>
    /// <returns>The number of each image's class, and the classes' names by their numbers.</returns>
    public static (int[] Labels, string[] ClassNames) Of(IReadOnlyList<string> texts)
    {
        string[] names = [.. texts.Distinct().Order(StringComparer.Ordinal)];
        int[] values = [.. names.Select(Value)];
        if (!values.Contains(-1))
        {
            Array.Sort(values, names);
            if (values[^1] < 2L * names.Length)
            {
                names = [.. Enumerable.Range(0, values[^1] + 1).Select(value => value.ToString(CultureInfo.InvariantCulture))];
            }
        }
        var numbers = names.Index().ToDictionary(name => name.Item, name => name.Index, StringComparer.Ordinal);
        return ([.. texts.Select(text => numbers[text])], names);
    }

    // −1 for what is no number, or is not written as one is: 07.
    private static int Value(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int value) && text == value.ToString(CultureInfo.InvariantCulture) ? value : -1;
}
