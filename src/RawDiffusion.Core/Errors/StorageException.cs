namespace RawDiffusion.Core;

/// <summary>A file that cannot be written, or a stored file that is damaged.</summary>
/// <param name="message">What was found, what was expected, what to do.</param>
/// <param name="inner">The cause, where there is one.</param>
public sealed class StorageException(string message, Exception? inner = null) : RawDiffusionException(message, inner);
