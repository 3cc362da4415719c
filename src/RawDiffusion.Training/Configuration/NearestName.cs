namespace RawDiffusion.Training.Configuration;

/// <summary>Finds what a mistyped name was probably meant to be.</summary>
public static class NearestName
{
    // Shorter words are contained in too many others.
    private const int ShortestPart = 3;

    /// <summary>
    /// The candidate with the smallest edit distance to a name, else one that the name begins with or that begins with it, else one of which the
    /// one contains the other; null where none is close enough to be worth suggesting.
    /// </summary>
    /// <param name="name">What was written.</param>
    /// <param name="candidates">What could have been meant.</param>
    public static string? To(string name, IEnumerable<string> candidates)
    {
        // A third of the letters wrong is a typing mistake; more is another word.
        string bare = Bare(name);
        int tolerance = Math.Max(1, bare.Length / 3);
        string[] all = [.. candidates];
        return all
            .Select(candidate => (Name: candidate, Distance: Distance(name, candidate)))
            .Where(candidate => candidate.Distance <= tolerance)
            .OrderBy(candidate => candidate.Distance)
            .ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
            .Select(candidate => candidate.Name)
            .FirstOrDefault()
            ?? Best((one, other) => one.StartsWith(other, StringComparison.OrdinalIgnoreCase))
            ?? Best((one, other) => one.Contains(other, StringComparison.OrdinalIgnoreCase));

        // The longest that they have in common says most: --save-every for --save-every-n, not --save.
        string? Best(Func<string, string, bool> holds) => all
            .Select(candidate => (Name: candidate, Bare: Bare(candidate)))
            .Where(candidate => Math.Min(candidate.Bare.Length, bare.Length) >= ShortestPart && (holds(bare, candidate.Bare) || holds(candidate.Bare, bare)))
            .OrderByDescending(candidate => Math.Min(candidate.Bare.Length, bare.Length))
            .ThenBy(candidate => candidate.Bare.Length)
            .ThenBy(candidate => candidate.Name, StringComparer.Ordinal)
            .Select(candidate => candidate.Name)
            .FirstOrDefault();
    }

    /// <summary>A half sentence for an error message, <c> (did you mean x?)</c>, or nothing.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="candidates">What could have been meant.</param>
    public static string Suggestion(string name, IEnumerable<string> candidates) =>
        To(name, candidates) is { } nearest ? $" (did you mean {nearest}?)" : "";

    /// <summary>
    /// The fewest insertions, deletions, replacements and swaps of neighbours that turn one text into the other, ignoring case
    /// (optimal string alignment).
    /// </summary>
    public static int Distance(string first, string second)
    {
        var (a, b) = (first.ToLowerInvariant(), second.ToLowerInvariant());
        int[,] distance = new int[a.Length + 1, b.Length + 1];
        for (int i = 0; i <= a.Length; i++)
        {
            for (int j = 0; j <= b.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    distance[i, j] = i + j;
                    continue;
                }
                int best = distance[i - 1, j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                best = Math.Min(best, Math.Min(distance[i - 1, j], distance[i, j - 1]) + 1);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                {
                    best = Math.Min(best, distance[i - 2, j - 2] + 1);
                }
                distance[i, j] = best;
            }
        }
        return distance[a.Length, b.Length];
    }

    /// <summary>An option's name without its dashes.</summary>
    private static string Bare(string name) => name.TrimStart('-');
}
