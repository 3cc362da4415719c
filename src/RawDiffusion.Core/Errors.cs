namespace RawDiffusion.Core;

/// <summary>A failure that is explained to the user in one paragraph: what was found, what was expected, what to do.</summary>
/// <param name="message">The paragraph.</param>
/// <param name="inner">The cause, where there is one.</param>
public abstract class RawDiffusionException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>The exit code that the executable ends with when this failure reaches it.</summary>
    public abstract int ExitCode { get; }
}

/// <summary>Wrong usage or configuration (exit code 2).</summary>
/// <param name="message">What was found, what was expected, what to do.</param>
/// <param name="inner">The cause, where there is one.</param>
public sealed class ConfigurationException(string message, Exception? inner = null) : RawDiffusionException(message, inner)
{
    /// <inheritdoc/>
    public override int ExitCode => 2;
}

/// <summary>Input data that cannot be read or used (exit code 3).</summary>
/// <param name="message">What was found, what was expected, what to do.</param>
/// <param name="inner">The cause, where there is one.</param>
public sealed class DataException(string message, Exception? inner = null) : RawDiffusionException(message, inner)
{
    /// <inheritdoc/>
    public override int ExitCode => 3;
}

/// <summary>A device that is missing, out of memory or lost (exit code 4).</summary>
/// <param name="message">What was found, what was expected, what to do.</param>
/// <param name="inner">The cause, where there is one.</param>
public sealed class DeviceException(string message, Exception? inner = null) : RawDiffusionException(message, inner)
{
    /// <inheritdoc/>
    public override int ExitCode => 4;
}

/// <summary>Training that produces non-finite numbers beyond recovery (exit code 5).</summary>
/// <param name="message">What was found, what was expected, what to do.</param>
/// <param name="inner">The cause, where there is one.</param>
public sealed class DivergedException(string message, Exception? inner = null) : RawDiffusionException(message, inner)
{
    /// <inheritdoc/>
    public override int ExitCode => 5;
}

/// <summary>A file that cannot be written, or a stored file that is damaged (exit code 6).</summary>
/// <param name="message">What was found, what was expected, what to do.</param>
/// <param name="inner">The cause, where there is one.</param>
public sealed class StorageException(string message, Exception? inner = null) : RawDiffusionException(message, inner)
{
    /// <inheritdoc/>
    public override int ExitCode => 6;
}
