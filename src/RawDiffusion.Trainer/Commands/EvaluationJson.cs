using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace RawDiffusion.Trainer.Commands;

/// <summary>How <c>evaluate</c> writes its file, without reflection.</summary>
[JsonSourceGenerationOptions(WriteIndented = true)]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class EvaluationJson : JsonSerializerContext;
