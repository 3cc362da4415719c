namespace RawDiffusion.Core;

/// <summary>Work that a device was given once and does as often as wanted: see <see cref="Device.Record"/>.</summary>
public abstract class Recording : IDisposable
{
    private readonly Tensor[] _writes;

    /// <summary>A recording of work.</summary>
    /// <param name="writes">What <see cref="Device.WritesOf"/> said of it; none if the launch calls the work's ops anew, which mark it themselves.</param>
    protected Recording(Tensor[] writes) => _writes = writes;

    /// <summary>Has the device do the work, with what the tensors it reads hold when its turn comes.</summary>
    /// <exception cref="DeviceException">The device refuses, or is lost.</exception>
    public void Launch()
    {
        LaunchCore();
        foreach (var tensor in _writes)
        {
            tensor.MarkWritten();
        }
    }

    /// <summary>Gives back what the recording holds. To be called before the device is disposed.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>Does <see cref="Launch"/>, but for marking what was written.</summary>
    protected abstract void LaunchCore();

    /// <summary>The work itself, called anew at every launch.</summary>
    internal sealed class Direct(Action work) : Recording([])
    {
        protected override void LaunchCore() => work();
    }
}
