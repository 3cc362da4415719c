namespace RawDiffusion.Core;

/// <summary>Input data that cannot be read or used.</summary>
/// <param name="message">What was found, what was expected, what to do.</param>
/// <param name="inner">The cause, where there is one.</param>
public sealed class DataException(string message, Exception? inner = null) : RawDiffusionException(message, inner);
