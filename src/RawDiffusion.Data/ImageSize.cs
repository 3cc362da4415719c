using System.Text.Json;
using System.Text.Json.Serialization;

namespace RawDiffusion.Data;

/// <summary>Rows and columns, as configurations have them: one number for both, or a list of the two.</summary>
/// <param name="Height">Rows.</param>
/// <param name="Width">Columns.</param>
[JsonConverter(typeof(Converter))]
public readonly record struct ImageSize(int Height, int Width)
{
    /// <summary>As the configuration writes it.</summary>
    public override string ToString() => Height == Width ? $"{Height}" : $"[{Height}, {Width}]";

    /// <summary>Reads and writes both forms.</summary>
    public sealed class Converter : JsonConverter<ImageSize>
    {
        /// <inheritdoc/>
        public override ImageSize Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (reader.TokenType != JsonTokenType.StartArray)
            {
                return reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int side) ? new ImageSize(side, side) : throw Misfit();
            }
            int height = ReadSide(ref reader), width = ReadSide(ref reader);
            return reader.Read() && reader.TokenType == JsonTokenType.EndArray ? new ImageSize(height, width) : throw Misfit();
        }

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, ImageSize value, JsonSerializerOptions options)
        {
            if (value.Height == value.Width)
            {
                writer.WriteNumberValue(value.Height);
                return;
            }
            writer.WriteStartArray();
            writer.WriteNumberValue(value.Height);
            writer.WriteNumberValue(value.Width);
            writer.WriteEndArray();
        }

        private static int ReadSide(ref Utf8JsonReader reader) =>
            reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt32(out int side) ? side : throw Misfit();

        private static JsonException Misfit() => new("expected a whole number, or a list of a height and a width");
    }
}
