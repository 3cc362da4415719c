namespace RawDiffusion.Training;

/// <summary>
/// Watches a training session: the run's log, its pictures, the terminal's progress display, a test. An observer says what it wants to hear by
/// implementing it. Observers hear of everything one after another, the run's own first, on the session's thread.
/// </summary>
public interface ITrainingObserver
{
    /// <summary>The session is ready; its first step follows.</summary>
    void Started(TrainingSession session)
    {
    }

    /// <summary>The first step is done, or a logged one.</summary>
    void Stepped(StepReport report)
    {
    }

    /// <summary>It is time for a picture of how far training has come: now and then, and at the end.</summary>
    /// <param name="session">The session, between two steps; it may be computed with, and tells the others what came of it.</param>
    /// <param name="stop">Asks to leave off: a picture matters less.</param>
    void PictureDue(TrainingSession session, CancellationToken stop)
    {
    }

    /// <summary>A checkpoint is in place.</summary>
    void Saved(long step, string path)
    {
    }

    /// <summary>A grid of samples was drawn.</summary>
    void Sampled(long step, string path)
    {
    }

    /// <summary>Something that the user should know: a skipped step, a checkpoint that could not be written.</summary>
    void Noticed(string text)
    {
    }
}
