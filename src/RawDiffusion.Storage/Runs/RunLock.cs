using System.Globalization;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// The right to train in a run folder, held by one process at a time. The system's lock on <c>train.lock</c> decides, since it ends with
/// its process whatever happens; <c>train.pid</c> beside it says who holds it (a locked file itself cannot be read).
/// </summary>
internal sealed class RunLock : IDisposable
{
    public const string LockFileName = "train.lock";
    public const string PidFileName = "train.pid";

    private readonly FileStream _lock;
    private readonly string _pidPath;

    private RunLock(FileStream held, string pidPath) => (_lock, _pidPath) = (held, pidPath);

    /// <summary>Takes the lock, or returns null where another process (or another run in this one) holds it.</summary>
    /// <param name="run">The run folder, which must exist.</param>
    /// <param name="notice">Told when the last holder ended without giving the lock back.</param>
    /// <exception cref="StorageException">The folder cannot be written to.</exception>
    public static RunLock? TryAcquire(string run, Action<string> notice)
    {
        string path = Path.Combine(run, LockFileName);
        string pidPath = Path.Combine(run, PidFileName);
        FileStream held;
        try
        {
            held = new FileStream(path, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
        }
        catch (IOException e) when (IsSharingViolation(e))
        {
            return null;
        }
        catch (Exception e) when (StorageFailure.Covers(e))
        {
            throw StorageFailure.While($"lock the run {run}", e);
        }
        try
        {
            if (Holder(run) is { } last)
            {
                notice($"Process {last} was training {run} and ended without closing it; taking over.");
            }

            File.WriteAllText(pidPath, Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n");
            return new RunLock(held, pidPath);
        }
        catch (Exception e)
        {
            held.Dispose();
            if (StorageFailure.Covers(e))
            {
                throw StorageFailure.While($"lock the run {run}", e);
            }

            throw;
        }
    }

    /// <summary>Whether a process holds the lock now.</summary>
    public static bool IsHeld(string run)
    {
        try
        {
            // Shared with others who look, refused by one who trains.
            using var look = new FileStream(Path.Combine(run, LockFileName), FileMode.Open, FileAccess.Read, FileShare.Read);
            return false;
        }
        catch (IOException e) when (IsSharingViolation(e))
        {
            return true;
        }
        catch (Exception e) when (StorageFailure.Covers(e))
        {
            return false;
        }
    }

    /// <summary>The process that trains in a run folder, or that ended there without closing it, as far as is known.</summary>
    public static int? Holder(string run)
    {
        try
        {
            string text = File.ReadAllText(Path.Combine(run, PidFileName));
            return int.TryParse(text, NumberStyles.AllowTrailingWhite, CultureInfo.InvariantCulture, out int pid) ? pid : null;
        }
        catch (Exception e) when (StorageFailure.Covers(e))
        {
            return null;
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            File.Delete(_pidPath);
        }
        catch (Exception e) when (StorageFailure.Covers(e))
        {
            // The next holder will report a process that ended without closing the run, which costs a line of text.
        }
        // The lock file itself stays: deleting it could take it from under a process that has just opened it.
        _lock.Dispose();
    }

    /// <summary>The codes by which Linux, macOS and Windows say that another process holds the file.</summary>
    private static bool IsSharingViolation(IOException e) => e.HResult is 11 or 35 or unchecked((int)0x80070020);
}
