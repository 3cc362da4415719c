namespace RawDiffusion.Core;

/// <summary>Training that produces non-finite numbers beyond recovery.</summary>
/// <param name="message">What was found, what was expected, what to do.</param>
/// <param name="inner">The cause, where there is one.</param>
public sealed class DivergedException(string message, Exception? inner = null) : RawDiffusionException(message, inner);
