using System.Text;

namespace RawDiffusion.Data;

/// <summary>Reads tables of comma-separated values (RFC 4180), or separated by semicolons or tabs as the first line is.</summary>
internal static class CsvTable
{
    /// <summary>The table in a file; its first line names the columns.</summary>
    /// <exception cref="FormatException">There is no line, or a row has more or fewer fields than the first.</exception>
    public static LabelTable Parse(byte[] file)
    {
        string text = new StreamReader(new MemoryStream(file), Encoding.UTF8, detectEncodingFromByteOrderMarks: true).ReadToEnd();
        string first = text.Split('\n', 2)[0];
        char separator = first.Contains('\t') ? '\t' : first.Contains(',') || !first.Contains(';') ? ',' : ';';
        List<string?[]> rows = [.. Rows(text, separator).Where(row => row.Length > 1 || row[0] is not null)];
        if (rows.Count == 0)
        {
            throw new FormatException("it is empty");
        }
        int odd = rows.FindIndex(row => row.Length != rows[0].Length);
        return odd < 0
            ? new LabelTable([.. rows[0].Select(column => column ?? "")], rows[1..])
            : throw new FormatException($"row {odd + 1} has {rows[odd].Length} fields instead of {rows[0].Length}");
    }

    private static IEnumerable<string?[]> Rows(string text, char separator)
    {
        var row = new List<string?>();
        var field = new StringBuilder();
        bool quoted = false;
        for (int at = 0; at <= text.Length; at++)
        {
            char c = at < text.Length ? text[at] : '\n';
            if (quoted && at < text.Length)
            {
                if (c != '"')
                {
                    field.Append(c);
                }
                else if (at + 1 < text.Length && text[at + 1] == '"')
                {
                    field.Append(text[at++]);
                }
                else
                {
                    quoted = false;
                }
            }
            else if (c == '"' && field.Length == 0)
            {
                quoted = true;
            }
            else if (c != separator && c != '\n')
            {
                field.Append(c);
            }
            else
            {
                string value = field.ToString().Trim();
                row.Add(value.Length > 0 ? value : null);
                field.Clear();
                if (c == '\n')
                {
                    yield return [.. row];
                    row.Clear();
                }
            }
        }
    }
}
