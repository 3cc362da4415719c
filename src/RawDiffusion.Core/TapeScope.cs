namespace RawDiffusion.Core;

/// <summary>A part of a computation whose intermediate tensors go when it ends: see <see cref="Tape.Scope"/>.</summary>
public sealed class TapeScope : IDisposable
{
    private readonly Tape _tape;
    private readonly int _start;
    private Tensor? _kept;

    internal TapeScope(Tape tape, int start) => (_tape, _start) = (tape, start);

    /// <summary>Lets the scope's one result live on in the scope around it.</summary>
    /// <exception cref="InvalidOperationException">Another tensor is kept already.</exception>
    public Tensor Keep(Tensor result)
    {
        if (_kept is not null && _kept != result)
        {
            throw new InvalidOperationException($"a scope keeps one tensor, and {_kept} is kept already; {result} needs a scope of its own, or Tape.Keep");
        }
        return _kept = result;
    }

    /// <summary>Ends the scope.</summary>
    public void Dispose() => _tape.EndScope(_start, _kept);
}
