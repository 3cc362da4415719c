using System.Text.Json.Serialization;
using RawDiffusion.Core;

namespace RawDiffusion.Training.Configuration;

/// <summary>How a device computes.</summary>
[JsonConverter(typeof(NamedEnum<Precision>))]
public enum Precision
{
    /// <summary>What the device does best.</summary>
    [JsonStringEnumMemberName("auto")]
    Auto,

    /// <summary>Single precision throughout.</summary>
    [JsonStringEnumMemberName("fp32")]
    Fp32,

    /// <summary>Single precision, with the factors of products rounded to TF32.</summary>
    [JsonStringEnumMemberName("tf32")]
    Tf32,

    /// <summary>bfloat16 activations over single-precision weights.</summary>
    [JsonStringEnumMemberName("bf16")]
    Bf16,
}
