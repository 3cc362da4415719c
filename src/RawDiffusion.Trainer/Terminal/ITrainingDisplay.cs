using RawDiffusion.Training;

namespace RawDiffusion.Trainer.Terminal;

/// <summary>Shows a training session on stderr.</summary>
internal interface ITrainingDisplay : ITrainingObserver
{
    /// <summary>Runs the training while the display is there.</summary>
    bool During(Func<bool> training);

    /// <summary>A moving display where somebody watches, plain lines elsewhere, nothing but notes where quiet was asked for.</summary>
    /// <param name="device">The device's description.</param>
    static ITrainingDisplay For(string device) => Talk.IsQuiet ? new QuietDisplay() : Talk.IsLive ? Live(device) : new PlainDisplay(device);

    // A method of its own: the console library is loaded only where it is used.
    private static ITrainingDisplay Live(string device) => new LiveDisplay(device);
}
