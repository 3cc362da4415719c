using RawDiffusion.Trainer.Terminal;
using RawDiffusion.Training;

namespace RawDiffusion.Trainer.Commands;

/// <summary>What train and resume do alike: run a session under a display, stop on signals, say what came of it.</summary>
internal static class TrainingRun
{
    /// <summary>Opens a session, runs it to its end or to a signal, and returns the exit code.</summary>
    public static int Of(ITrainingDisplay display, Func<TrainingSession> open)
    {
        using var interruption = new Interruption(display.Noticed);
        using var session = open();
        bool finished = display.During(() => session.Run(interruption.Token));
        string path = session.Folder.Path;
        if (!finished)
        {
            Talk.Line($"Stopped after step {session.Step} of {session.Config.Steps}; all of it is saved. Go on with: rawdiffusion resume {path}");
            return interruption.ExitCode;
        }
        if (!File.Exists(session.Folder.SamplePath(session.Step)))
        {
            Talk.Line($"Trained to step {session.Step}, the last, and saved it; no picture of it was drawn. Draw with: rawdiffusion sample {path}");
            return interruption.ExitCode;
        }
        Talk.Line($"Done in {Talk.Duration(session.Seconds)}. Look at {session.Folder.SamplePath(session.Step)}; draw more with: rawdiffusion sample {path}");
        return 0;
    }
}
