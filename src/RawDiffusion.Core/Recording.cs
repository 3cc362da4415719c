namespace RawDiffusion.Core;

/// <summary>Work that a device was given once and does as often as wanted: see <see cref="Device.Record"/>.</summary>
public abstract class Recording : IDisposable
{
    /// <summary>Has the device do the work, with what the tensors it reads hold when its turn comes.</summary>
    /// <exception cref="DeviceException">The device refuses, or is lost.</exception>
    public abstract void Launch();

    /// <summary>Gives back what the recording holds. To be called before the device is disposed.</summary>
    public virtual void Dispose() => GC.SuppressFinalize(this);

    /// <summary>The work itself, called anew at every launch.</summary>
    internal sealed class Direct(Action work) : Recording
    {
        public override void Launch() => work();
    }
}
