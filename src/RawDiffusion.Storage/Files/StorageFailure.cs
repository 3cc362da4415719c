using System.Security;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>Turns what the operating system reports about files into the one exception type that users see.</summary>
public static class StorageFailure
{
    /// <summary>Whether an exception is about files (and not a mistake of ours).</summary>
    public static bool Covers(Exception e) => e is IOException or UnauthorizedAccessException or SecurityException or NotSupportedException;

    /// <param name="doing">What was attempted, as in "Could not <c>read x</c>".</param>
    /// <param name="cause">What the system reported.</param>
    /// <param name="consequence">What that means for the user's files, as a sentence of its own.</param>
    public static StorageException While(string doing, Exception cause, string consequence = "") =>
        new($"Could not {doing}: {cause.Message.TrimEnd('.')}.{(consequence == "" ? "" : " " + consequence)}", cause);

    /// <summary>Runs an action, reporting the system's failures as a <see cref="StorageException"/>.</summary>
    public static void Guard(string doing, Action action)
    {
        try
        {
            action();
        }
        catch (Exception e) when (Covers(e))
        {
            throw While(doing, e);
        }
    }
}
