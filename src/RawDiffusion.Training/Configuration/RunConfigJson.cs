using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using RawDiffusion.Core;

namespace RawDiffusion.Training.Configuration;

/// <summary>Reads and writes <see cref="RunConfig"/> as JSON with snake_case keys.</summary>
public static class RunConfigJson
{
    private static readonly JsonDocumentOptions Lenient = new()
    {
        AllowDuplicateProperties = false,
        AllowTrailingCommas = true,
        CommentHandling = JsonCommentHandling.Skip,
    };

    /// <summary>Every key with its value, in the order of the records.</summary>
    public static JsonObject ToJson(RunConfig config) => RunConfigLayout.ToStored((JsonObject)JsonSerializer.SerializeToNode(config, RunConfigContext.Default.RunConfig)!);

    /// <summary>The indented text of <c>config.json</c>.</summary>
    public static string ToText(RunConfig config) => ToJson(config).ToJsonString(RunConfigContext.Default.Options);

    /// <summary>Reads a stored configuration; keys that it lacks take their defaults.</summary>
    /// <param name="json">The contents of a <c>config.json</c>.</param>
    /// <param name="source">Where it comes from, for messages.</param>
    /// <exception cref="ConfigurationException">It was written by a newer version, or names all keys and values that are wrong.</exception>
    public static RunConfig FromJson(JsonObject json, string source)
    {
        var problems = new List<ConfigurationProblem>();
        var layers = new ConfigurationLayers(new RunConfig(), problems);
        layers.Apply(json, source);
        return problems.Count == 0 ? layers.Config() : throw Failure(problems);
    }

    /// <summary>Reads a configuration's text; comments and trailing commas are allowed, missing keys take their defaults.</summary>
    /// <param name="text">JSON.</param>
    /// <param name="source">Where it comes from, for messages.</param>
    /// <exception cref="ConfigurationException">It is not valid JSON, was written by a newer version, or names all that is wrong in it.</exception>
    public static RunConfig Parse(string text, string source) => FromJson(ParseObject(text, source), source);

    /// <summary>Reads the JSON object that a configuration file consists of, without looking at its keys.</summary>
    /// <exception cref="ConfigurationException">It is not valid JSON, or no object.</exception>
    public static JsonObject ParseObject(string text, string source)
    {
        try
        {
            return JsonNode.Parse(text, documentOptions: Lenient) as JsonObject
                ?? throw new ConfigurationException($"{source} holds no JSON object; a configuration looks like {{ \"steps\": 2000, \"optimizer\": {{ \"ema_decay\": 0.999 }} }}.");
        }
        catch (JsonException e)
        {
            throw new ConfigurationException($"{source} is not valid JSON: {e.Message}", e);
        }
    }

    /// <summary>One exception for any number of problems.</summary>
    public static ConfigurationException Failure(IReadOnlyCollection<ConfigurationProblem> problems) =>
        new(ProblemList.Tell("The configuration cannot be used", [.. problems.Select(problem => problem.ToString())]));
}

/// <summary>The records' metadata, generated at build time: reflection would cost start-up time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.SnakeCaseLower, WriteIndented = true, RespectNullableAnnotations = true)]
[JsonSerializable(typeof(RunConfig))]
internal sealed partial class RunConfigContext : JsonSerializerContext;
