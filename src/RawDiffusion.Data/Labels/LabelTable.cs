namespace RawDiffusion.Data;

/// <summary>A table that tells something of files: its columns' names, and its rows.</summary>
/// <param name="Columns">The names.</param>
/// <param name="Rows">For each row a text for each column; null where there is none.</param>
internal sealed record LabelTable(IReadOnlyList<string> Columns, IReadOnlyList<string?[]> Rows)
{
    private static readonly string[] _fileColumns = ["file_name", "filename", "file", "image", "image_id", "image_name", "path", "name", "id", "id_code"];
    private static readonly string[] _labelColumns = ["label", "labels", "class", "class_name", "category", "target"];
    private static readonly string[] _captionColumns = ["text", "caption", "captions", "prompt", "description", "additional_feature"];

    /// <summary>The column that names the files; −1 if none does.</summary>
    public int FileColumn => IndexOf(_fileColumns);

    /// <summary>
    /// The column that names the classes: one that is called so, or else the only one beside the files' whose texts come again; −1 if there is
    /// none.
    /// </summary>
    public int LabelColumn
    {
        get
        {
            int named = IndexOf(_labelColumns);
            int[] others = [.. Enumerable.Range(0, Columns.Count).Where(column => column != FileColumn && !Is(column, _captionColumns))];
            return named >= 0 ? named : others.Length == 1 && Repeats(others[0]) ? others[0] : -1;
        }
    }

    /// <summary>True where that column is called so, rather than the only one there is.</summary>
    public bool HasNamedLabels => IndexOf(_labelColumns) >= 0;

    /// <summary>The columns but the files', for messages.</summary>
    public string OtherColumns => string.Join(", ", Columns.Where((_, column) => column != FileColumn).DefaultIfEmpty("none"));

    private int IndexOf(string[] names) =>
        names.Select(name => Enumerable.Range(0, Columns.Count).FirstOrDefault(column => Is(column, [name]), -1)).FirstOrDefault(column => column >= 0, -1);

    private bool Is(int column, string[] names) => names.Contains(Columns[column].Trim(), StringComparer.OrdinalIgnoreCase);

    private bool Repeats(int column) => Rows.Select(row => row[column]).Distinct().Count() < Rows.Count;
}
