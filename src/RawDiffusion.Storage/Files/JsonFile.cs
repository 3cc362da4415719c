using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>A JSON document that people may have edited: what is wrong with one is their mistake to mend, and told as such.</summary>
/// <param name="Path">The file.</param>
/// <param name="Json">Its contents.</param>
public sealed partial record JsonFile(string Path, JsonObject Json)
{
    private static readonly JsonDocumentOptions _options = new()
    {
        AllowDuplicateProperties = false,
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
    };

    /// <summary>Reads a document. Python writes numbers that JSON does not have: <c>-Infinity</c>, <c>Infinity</c> and <c>NaN</c> are read as text.</summary>
    /// <exception cref="StorageException">The file cannot be read.</exception>
    /// <exception cref="ConfigurationException">It holds something else than one JSON object.</exception>
    public static JsonFile Read(string path)
    {
        string text = "";
        StorageFailure.Guard($"read {path}", () => text = File.ReadAllText(path, Encoding.UTF8));
        try
        {
            var json = JsonNode.Parse(NotANumber().Replace(text, "\"$0\""), documentOptions: _options) as JsonObject;
            return new JsonFile(path, json ?? throw new ConfigurationException($"{path} holds no JSON object."));
        }
        catch (JsonException e)
        {
            throw new ConfigurationException($"{path} is not valid JSON: {e.Message}", e);
        }
    }

    [GeneratedRegex(@"(?<=[:\[,]\s*)(-?Infinity|NaN)(?=\s*[,}\]])")]
    private static partial Regex NotANumber();
}
