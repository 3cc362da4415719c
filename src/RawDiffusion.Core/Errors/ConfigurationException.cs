namespace RawDiffusion.Core;

/// <summary>Wrong usage or configuration.</summary>
/// <param name="message">What was found, what was expected, what to do.</param>
/// <param name="inner">The cause, where there is one.</param>
public sealed class ConfigurationException(string message, Exception? inner = null) : RawDiffusionException(message, inner);
