namespace RawDiffusion.Models;

/// <summary>How a parameter starts.</summary>
public enum Initialization
{
    /// <summary>All zeros: biases, and the last convolutions whose branch should start as nothing.</summary>
    Zeros,

    /// <summary>All ones: a norm's scale.</summary>
    Ones,

    /// <summary>Uniform in ±√(3/((fan_in + fan_out)/2)): the variance scaling (fan average) of the paper's own code.</summary>
    FanAverageUniform,

    /// <summary>Standard normal: embedding tables.</summary>
    Normal,
}
