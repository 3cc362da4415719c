using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace RawDiffusion.Diffusion;

/// <summary>
/// How far x̂_0 may be from 0, as configurations have it: <c>true</c> for 1, the range of images; <c>false</c> for no bound; or a number.
/// </summary>
/// <param name="Bound">The bound of |x̂_0|, above 0; +∞ for none.</param>
[JsonConverter(typeof(Converter))]
public readonly record struct ClipRange(double Bound)
{
    /// <summary>The range of images, −1 to 1.</summary>
    public static ClipRange On => new(1);

    /// <summary>No bound.</summary>
    public static ClipRange Off => new(double.PositiveInfinity);

    /// <summary>Whether there is a bound.</summary>
    public bool IsOn => double.IsFinite(Bound);

    /// <summary>As the configuration writes it.</summary>
    public override string ToString() => Bound == 1 ? "true" : IsOn ? Bound.ToString(CultureInfo.InvariantCulture) : "false";

    /// <summary>Reads and writes the three forms.</summary>
    public sealed class Converter : JsonConverter<ClipRange>
    {
        /// <inheritdoc/>
        public override ClipRange Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => reader.TokenType switch
        {
            JsonTokenType.True => On,
            JsonTokenType.False => Off,
            JsonTokenType.Number => new ClipRange(reader.GetDouble()),
            _ => throw new JsonException("expected true, false or a number"),
        };

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, ClipRange value, JsonSerializerOptions options)
        {
            if (value.IsOn && value.Bound != 1)
            {
                writer.WriteNumberValue(value.Bound);
            }
            else
            {
                writer.WriteBooleanValue(value.IsOn);
            }
        }
    }
}
