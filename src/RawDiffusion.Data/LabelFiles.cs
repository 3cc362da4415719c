using System.Text;
using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>
/// Finds files that tell classes: <c>dataset.json</c> of StyleGAN's and EDM's data tools, <c>metadata.csv</c> and <c>metadata.jsonl</c> of image folders,
/// <c>.cls</c> and <c>.json</c> of WebDataset, and the tables of competitions, such as <c>labels.csv</c>.
/// </summary>
internal sealed class LabelFiles
{
    private readonly IContainer _container;
    private readonly string[] _images;
    private readonly bool _haveFolders;
    private readonly List<string> _notes;
    private readonly ILookup<string, string> _files, _byEnding;

    /// <param name="container">Where the images are.</param>
    /// <param name="images">Their names.</param>
    /// <param name="haveFolders">Whether their folders tell classes, which then go before files that may mean something else.</param>
    /// <param name="notes">Gets sentences on what is not used.</param>
    public LabelFiles(IContainer container, string[] images, bool haveFolders, List<string> notes)
    {
        (_container, _images, _haveFolders, _notes) = (container, images, haveFolders, notes);
        string[] files = [.. container.Names.Where(MayTellLabels)];
        _files = files.ToLookup(name => Path.GetFileName(name).ToLowerInvariant());
        _byEnding = files.ToLookup(name => Path.GetExtension(name).ToLowerInvariant());
    }

    /// <summary>The files that were made use of, or told of in a note.</summary>
    public HashSet<string> Used { get; } = [];

    /// <summary>True for the endings of such files.</summary>
    public static bool MayTellLabels(string name) => Path.GetExtension(name).ToLowerInvariant() is ".json" or ".jsonl" or ".csv" or ".tsv" or ".cls";

    /// <summary>What the files tell; null where none tells anything.</summary>
    /// <exception cref="DataException">A file that tells classes is damaged.</exception>
    public ToldLabels? Find() => FromDataset() ?? FromMetadata()
        ?? FromSidecars(".cls", file => Encoding.UTF8.GetString(file).Trim() is { Length: > 0 } text ? text : null)
        ?? (_haveFolders ? null : FromSidecars(".json", JsonLabels.ParseSidecar) ?? FromCompetition());

    private ToldLabels? FromDataset()
    {
        foreach (string name in _files["dataset.json"].OrderByDescending(name => name.Length))
        {
            string folder = FolderOf(name);
            if (_images.All(image => image.StartsWith(folder, StringComparison.Ordinal)) && Parse(name, JsonLabels.ParseDataset) is { } classes)
            {
                Used.Add(name);
                return new ToldLabels(name, classes.Count == 0 ? null : [.. _images.Select(image => classes.GetValueOrDefault(image[folder.Length..]))]);
            }
        }
        return null;
    }

    // One for all images or one in each folder, which tells of files from there on.
    private ToldLabels? FromMetadata()
    {
        var texts = new Dictionary<string, string?>(StringComparer.Ordinal);
        var sources = new List<string>();
        foreach (string name in _files["metadata.csv"].Concat(_files["metadata.jsonl"]))
        {
            var table = Parse<LabelTable>(name, name.EndsWith(".csv", StringComparison.OrdinalIgnoreCase) ? CsvTable.Parse : JsonLabels.ParseLines);
            Used.Add(name);
            if (table.FileColumn < 0 || table.LabelColumn < 0 || (_haveFolders && !table.HasNamedLabels))
            {
                _notes.Add($"{name} tells no classes: {(table.FileColumn < 0 ? "it has no column file_name"
                    : table.LabelColumn < 0 ? $"of its columns ({table.OtherColumns}) none is called label" : "the folders do")}.");
                continue;
            }
            var rows = table.Rows.Where(row => row[table.FileColumn] is not null)
                .Select(row => (File: FolderOf(name) + row[table.FileColumn]!.Replace('\\', '/'), Text: row[table.LabelColumn])).ToArray();
            foreach (var (file, text) in rows)
            {
                texts[file] = text;
            }
            sources.Add($"the column {table.Columns[table.LabelColumn]} of {name}");
            if (rows.Select(row => row.File).Except(_container.Names).Count() is > 0 and var missing)
            {
                _notes.Add($"Of the files that {name} names, {missing:N0} {(missing == 1 ? "is" : "are")} not there.");
            }
        }
        string more = sources.Count > 1 ? $" and {sources.Count - 1} more" : "";
        return sources.Count == 0 ? null : new ToldLabels(sources[0] + more, [.. _images.Select(image => texts.GetValueOrDefault(image))]);
    }

    // What lies beside an image and is called the same up to the first dot.
    private ToldLabels? FromSidecars(string ending, Func<byte[], string?> parse)
    {
        var files = _byEnding[ending].GroupBy(Key).ToDictionary(group => group.Key, group => group.First(), StringComparer.Ordinal);
        string[] beside = [.. _images.Select(Key).Where(files.ContainsKey).Distinct().Select(key => files[key])];
        string? Text(ContainerFile file)
        {
            try
            {
                return file.Failure is null ? parse(file.Bytes) : null;
            }
            catch (Exception e) when (e is FormatException or InvalidOperationException)
            {
                return null;
            }
        }
        if (beside.Length == 0 || _container.Read([beside[0]]).Select(Text).First() is null)
        {
            return null;
        }
        var texts = _container.Read(beside).ToDictionary(file => Key(file.Name), Text, StringComparer.Ordinal);
        Used.UnionWith(beside);
        return new ToldLabels($"the {ending} files beside the images", [.. _images.Select(image => texts.GetValueOrDefault(Key(image)))]);
    }

    // Competitions name images without their folders and endings.
    private ToldLabels? FromCompetition()
    {
        string? name = _byEnding[".csv"].FirstOrDefault(name => Path.GetFileNameWithoutExtension(name) is var stem
            && (stem.Contains("label", StringComparison.OrdinalIgnoreCase) || stem.Equals("train", StringComparison.OrdinalIgnoreCase)));
        if (name is null)
        {
            return null;
        }
        Used.Add(name);
        LabelTable table;
        try
        {
            table = CsvTable.Parse(_container.ReadOne(name));
        }
        catch (FormatException e)
        {
            _notes.Add($"{name} is not used: {e.Message}.");
            return null;
        }
        if (table.FileColumn < 0 || table.LabelColumn < 0)
        {
            _notes.Add($"{name} is not used: of its columns ({string.Join(", ", table.Columns)}) " +
                $"{(table.FileColumn < 0 ? "none names the images (such as file_name or id)" : "none is called label")}.");
            return null;
        }
        var texts = new Dictionary<string, string?>(StringComparer.Ordinal);
        foreach (string?[] row in table.Rows.Where(row => row[table.FileColumn] is not null))
        {
            texts[Path.GetFileName(row[table.FileColumn]!)] = row[table.LabelColumn];
        }
        string?[] found = [.. _images.Select(image => texts.GetValueOrDefault(Path.GetFileName(image)) ?? texts.GetValueOrDefault(Path.GetFileNameWithoutExtension(image)))];
        if (found.Contains(null))
        {
            _notes.Add($"{name} is not used: it tells the class of {found.Count(text => text is not null):N0} of {_images.Length:N0} images.");
            return null;
        }
        return new ToldLabels($"the column {table.Columns[table.LabelColumn]} of {name}", found);
    }

    private static string FolderOf(string name) => name[..(name.LastIndexOf('/') + 1)];

    private static string Key(string name) => name.IndexOf('.', name.LastIndexOf('/') + 1) is >= 0 and var dot ? name[..dot] : name;

    private T Parse<T>(string name, Func<byte[], T> parse)
    {
        try
        {
            return parse(_container.ReadOne(name));
        }
        catch (Exception e) when (e is FormatException or InvalidOperationException)
        {
            throw new DataException($"{_container.Path}: {name}, which may tell the images' classes, cannot be read: {e.Message}. Repair it or take it away.", e);
        }
    }
}
