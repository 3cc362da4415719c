using System.Text.Json;
using System.Text.Json.Nodes;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>JSON documents that people may have edited: what is wrong with one is their mistake to mend, and told as such.</summary>
internal static class JsonFile
{
    private static readonly JsonDocumentOptions Options = new()
    {
        AllowDuplicateProperties = false,
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
    };

    /// <exception cref="StorageException">The file cannot be read.</exception>
    /// <exception cref="ConfigurationException">It holds something else than one JSON object.</exception>
    public static JsonObject Read(string path)
    {
        byte[] bytes = [];
        StorageFailure.Guard($"read {path}", () => bytes = File.ReadAllBytes(path));
        try
        {
            return JsonNode.Parse(bytes, documentOptions: Options) as JsonObject
                ?? throw new ConfigurationException($"{path} holds no JSON object.");
        }
        catch (JsonException e)
        {
            throw new ConfigurationException($"{path} is not valid JSON: {e.Message}", e);
        }
    }
}
