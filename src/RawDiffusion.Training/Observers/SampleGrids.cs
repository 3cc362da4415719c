using RawDiffusion.Pipelines;
using RawDiffusion.Storage;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Training;

/// <summary>Draws the grid of samples that a run leaves now and then, always from the same noise, so that pictures can be compared.</summary>
internal sealed class SampleGrids(GenerativeModel model, RunConfig config, RunFolder folder)
{
    /// <summary>Draws <c>samples/step-N.png</c> with the weights that are bound now.</summary>
    public void Draw(long step, CancellationToken stop)
    {
        var sampling = config.Sampling with { Guidance = model.Rows.CanGuide ? config.Sampling.Guidance : 1 };
        var request = new SampleRequest { Count = sampling.Count, Sampling = sampling, Seed = config.Seed };
        SampleFiles.WriteGrid(ImageSampler.Run(model, request, stop: stop), folder.SamplePath(step));
    }
}
