using RawDiffusion.Core;
using RawDiffusion.Storage;

namespace RawDiffusion.Pipelines;

/// <summary>Writes a model in the layout of diffusers, so that its pipelines draw the same pictures.</summary>
public static class DiffusersExport
{
    /// <summary>Writes the folder: network, scheduler, model card, and a pipeline where the model has classes.</summary>
    /// <exception cref="ConfigurationException">The folder holds a model already, or the format has no words for the process or the sampler.</exception>
    /// <exception cref="StorageException">The files cannot be written.</exception>
    public static void Write(LoadedModel loaded, string folder)
    {
        var (description, rows) = (loaded.Description, loaded.Model.Rows);
        var model = new DiffusersModel
        {
            Network = loaded.Model.Network.Config,
            Scheduler = new DiffusersScheduler(description.Diffusion, description.Sampling) { LearnedVariance = description.LearnedVariance },
            NoClass = rows.NoClass,
            NoClassIsTrained = rows.IsTrained,
        };
        string? images = description.Dataset is { } data ? $"{data.Count} {(data.Channels == 1 ? "grey" : "RGB")} images of {data.Height}×{data.Width}" : null;
        var texts = new Dictionary<string, string>
        {
            ["README.md"] = ModelCard.Of(model, loaded.Parameters.Count, images, (loaded.Model.Height, loaded.Model.Width), loaded.ClassNames),
        };
        if (rows.Rows > 0)
        {
            texts[ClassConditionalPipeline.Module + ".py"] = ClassConditionalPipeline.Text;
        }
        DiffusersFolder.Write(folder, model.ToContents([.. ParameterFiles.Sources(loaded.Parameters, loaded.Parameters.Values)], texts));
    }
}
