namespace RawDiffusion.Data;

/// <summary>What of a container's files is not read, for one line that says so.</summary>
internal sealed class LeftOut
{
    private const int MostReasons = 8, MostOfAReason = 5;

    private readonly List<string> _reasons = [];
    private readonly Dictionary<string, Dictionary<string, int>> _counts = [];
    private int _files;

    /// <summary>Notes a file that is counted by what it is.</summary>
    /// <param name="what">What it is, as the end of "3 …".</param>
    /// <param name="reason">Why it is left out.</param>
    public void AddFile(string what, string reason)
    {
        _files++;
        Count(reason, what, 1);
    }

    /// <summary>Notes a file by the ending of its name.</summary>
    public void AddFileByEnding(string name, string reason) =>
        AddFile(Path.GetExtension(name) is { Length: > 1 } ending ? ending.ToLowerInvariant() : "without an ending", reason);

    /// <summary>Notes a folder, or a file that is named.</summary>
    public void AddNamed(string name, string reason)
    {
        _files += name.EndsWith('/') ? 0 : 1;
        Count(reason, name, 0);
    }

    /// <summary>The line; null where nothing is left out.</summary>
    /// <param name="container">Where.</param>
    /// <param name="read">How many files are read.</param>
    public string? Tell(string container, int read)
    {
        if (_reasons.Count == 0)
        {
            return null;
        }
        string parts = string.Join("; ", _reasons.Take(MostReasons).Select(reason => $"{List(_counts[reason])} ({reason})"));
        string more = _reasons.Count > MostReasons ? $"; and {_reasons.Count - MostReasons} more kinds" : "";
        return $"Read {read:N0} of {read + _files:N0} files in {container}; left out: {parts}{more}.";
    }

    private static string List(Dictionary<string, int> counts)
    {
        var items = counts.OrderByDescending(item => item.Value).ThenBy(item => item.Key, StringComparer.Ordinal)
            .Select(item => item.Value > 0 ? $"{item.Value:N0} {item.Key}" : item.Key);
        string more = counts.Count > MostOfAReason ? $" and {counts.Count - MostOfAReason:N0} more" : "";
        return string.Join(", ", items.Take(MostOfAReason)) + more;
    }

    private void Count(string reason, string what, int count)
    {
        if (!_counts.TryGetValue(reason, out var counts))
        {
            _reasons.Add(reason);
            _counts[reason] = counts = [];
        }
        counts[what] = counts.GetValueOrDefault(what) + count;
    }
}
