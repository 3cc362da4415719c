using RawDiffusion.Training;

namespace RawDiffusion.Trainer.Terminal;

/// <summary>The line that says what is about to be trained.</summary>
internal static class RunHeader
{
    /// <summary>Preset, size, device, steps, and where it all goes.</summary>
    public static string Of(TrainingSession session, string device)
    {
        string from = session.Step > 0 ? $" from step {session.Step:N0}" : "";
        return $"{session.Config.Preset}: {session.Parameters.Count:N0} parameters on {device}; " +
            $"{Talk.Count(session.Config.Steps, "step")} of {Talk.Count(session.Config.Batch, "image")}{from}, in {session.Folder.Path}";
    }
}
