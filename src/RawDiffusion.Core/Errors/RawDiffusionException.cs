namespace RawDiffusion.Core;

/// <summary>A failure that is explained to the user in one paragraph: what was found, what was expected, what to do.</summary>
/// <param name="message">The paragraph.</param>
/// <param name="inner">The cause, where there is one.</param>
public abstract class RawDiffusionException(string message, Exception? inner = null) : Exception(message, inner);
