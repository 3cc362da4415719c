namespace RawDiffusion.Core;

/// <summary>A device that is missing, out of memory or lost.</summary>
/// <param name="message">What was found, what was expected, what to do.</param>
/// <param name="inner">The cause, where there is one.</param>
public sealed class DeviceException(string message, Exception? inner = null) : RawDiffusionException(message, inner);
