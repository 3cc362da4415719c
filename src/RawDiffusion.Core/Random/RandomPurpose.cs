namespace RawDiffusion.Core;

/// <summary>
/// What random numbers are for: the fourth word of every Philox counter, so that streams for different purposes never meet.
/// Dropout layer i uses <see cref="Dropout"/> + i.
/// </summary>
public enum RandomPurpose : uint
{
    /// <summary>Initial weights; the step word is the parameter's index.</summary>
    Initialization = 1,

    /// <summary>The order of a data set.</summary>
    Shuffle = 2,

    /// <summary>Horizontal flips.</summary>
    Flip = 3,

    /// <summary>Training timesteps.</summary>
    Timestep = 4,

    /// <summary>Training noise ε.</summary>
    Noise = 5,

    /// <summary>Labels dropped for classifier-free guidance.</summary>
    LabelDropout = 6,

    /// <summary>The start x_T of sampling.</summary>
    SamplingStart = 7,

    /// <summary>The noise z of a sampling step.</summary>
    SamplingStep = 8,

    /// <summary>The first dropout layer; the others follow.</summary>
    Dropout = 0x10000,
}
