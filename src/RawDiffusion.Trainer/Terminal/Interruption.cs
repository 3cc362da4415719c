using System.Runtime.InteropServices;

namespace RawDiffusion.Trainer.Terminal;

/// <summary>
/// Ctrl+C and SIGTERM while it exists: the first asks the work to stop at the next good moment, the second ends the process at once.
/// </summary>
internal sealed class Interruption : IDisposable
{
    private const int InterruptedExitCode = 130;
    private const int TerminatedExitCode = 143;

    private readonly CancellationTokenSource _stop = new();
    private readonly Action<string> _notice;
    private readonly PosixSignalRegistration[] _registrations;
    private int _exitCode;

    /// <summary>Listens from now on.</summary>
    /// <param name="notice">Told, in a sentence, that stopping has begun; on another thread.</param>
    public Interruption(Action<string> notice)
    {
        _notice = notice;
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGINT, Handle), PosixSignalRegistration.Create(PosixSignal.SIGTERM, Handle)];
    }

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _stop.Token;

    /// <summary>What the process ends with if it stops because of the signal.</summary>
    public int ExitCode => _exitCode;

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
        _stop.Dispose();
    }

    private void Handle(PosixSignalContext context)
    {
        context.Cancel = true;
        int exitCode = context.Signal == PosixSignal.SIGTERM ? TerminatedExitCode : InterruptedExitCode;
        if (Interlocked.CompareExchange(ref _exitCode, exitCode, 0) != 0)
        {
            Talk.RestoreCursor();
            Environment.Exit(exitCode);
        }
        _notice("Stopping after this step; once more stops at once.");
        _stop.Cancel();
    }
}
