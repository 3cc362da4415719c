using RawDiffusion.Core;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Storage;

namespace RawDiffusion.Pipelines;

/// <summary>Writes a model in the layout of diffusers, so that its pipelines draw the same pictures.</summary>
public static class DiffusersExport
{
    /// <summary>Writes an opened model.</summary>
    /// <inheritdoc cref="Write(string, ModelDescription, ParameterSet, Tensor)"/>
    public static void Write(LoadedModel loaded, string folder) => Write(folder, loaded.Description, loaded.Parameters, loaded.Parameters.Values);

    /// <summary>Writes a model of which no more is known than what it computes; the last row of a class embedding stands for "no class".</summary>
    /// <param name="folder">Made where missing.</param>
    /// <param name="network">The network.</param>
    /// <param name="diffusion">The process that it was trained on.</param>
    /// <param name="sampling">How its images are drawn.</param>
    /// <param name="parameters">The network's parameters.</param>
    /// <param name="values">The arena with the weights to write.</param>
    /// <exception cref="ConfigurationException">The folder holds a model already, or the format has no words for the process or the sampler.</exception>
    /// <exception cref="StorageException">The files cannot be written.</exception>
    public static void Write(string folder, UNetConfig network, DiffusionConfig diffusion, SamplingConfig sampling, ParameterSet parameters, Tensor values) => Write(
        folder,
        new ModelDescription { Network = network, Diffusion = diffusion, Sampling = sampling, Rows = ClassRows.Trained(network.ClassEmbeddings, diffusion.LabelDropout) },
        parameters, values);

    /// <summary>Writes a model: network, scheduler, model card, and a pipeline where the model has classes.</summary>
    /// <param name="folder">Made where missing.</param>
    /// <param name="description">What the model is.</param>
    /// <param name="parameters">The network's parameters.</param>
    /// <param name="values">The arena with the weights to write.</param>
    /// <exception cref="ConfigurationException">The folder holds a model already, or the format has no words for the process or the sampler.</exception>
    /// <exception cref="StorageException">The files cannot be written.</exception>
    public static void Write(string folder, ModelDescription description, ParameterSet parameters, Tensor values)
    {
        var (network, rows) = (description.Network, description.Rows);
        var model = new DiffusersModel
        {
            Network = network,
            Scheduler = new DiffusersScheduler(description.Diffusion, description.Sampling) { LearnedVariance = description.LearnedVariance },
            NoClass = rows.NoClass,
            NoClassIsTrained = rows.IsTrained,
        };
        var data = description.Dataset;
        string? images = data is null ? null : $"{data.Count} {(data.Channels == 1 ? "grey" : "RGB")} images of {data.Height}×{data.Width}";
        var size = data is null ? (network.Height, network.Width) : (data.Height, data.Width);
        var texts = new Dictionary<string, string>
        {
            ["README.md"] = ModelCard.Of(model, parameters.Count, images, size, rows.Rows > 0 && data is not null ? data.ClassNames : []),
        };
        if (rows.Rows > 0)
        {
            texts[ClassConditionalPipeline.Module + ".py"] = ClassConditionalPipeline.Text;
        }
        DiffusersFolder.Write(folder, model.ToContents([.. ParameterFiles.Sources(parameters, values)], texts));
    }
}
