using RawDiffusion.Pipelines;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Training;

/// <summary>Draws the grid of samples <c>samples/step-N.png</c> with the moving average, always from the same noise, so that pictures can be compared.</summary>
internal sealed class SampleGrids : ITrainingObserver
{
    /// <inheritdoc/>
    public void PictureDue(TrainingSession session, CancellationToken stop)
    {
        var (model, config, path) = (session.Model, session.Config, session.Folder.SamplePath(session.Step));
        if (Request(model, config) is not { } request)
        {
            session.Tell(observer => observer.Noticed(
                $"step {session.Step}: no picture is drawn, as the network takes {model.Planes} condition planes and the run knows none to draw under"));
            return;
        }
        using (session.Parameters.UseEma())
        {
            SampleFiles.WriteGrid(ImageSampler.Run(model, request, stop: stop), path);
        }
        session.Tell(observer => observer.Sampled(session.Step, path));
    }

    /// <summary>What a run draws; null where it cannot, as the network takes condition planes.</summary>
    internal static SampleRequest? Request(GenerativeModel model, RunConfig config)
    {
        var sampling = config.Sampling with { Guidance = model.Rows.CanGuide ? config.Sampling.Guidance : 1 };
        return model.Planes > 0 ? null : new SampleRequest { Count = sampling.Count, Sampler = sampling.Create(), Guidance = sampling.Guidance, Seed = config.Seed };
    }
}
