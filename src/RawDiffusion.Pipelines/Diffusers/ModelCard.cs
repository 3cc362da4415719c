using System.Globalization;
using System.Text;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;

namespace RawDiffusion.Pipelines;

/// <summary>The <c>README.md</c> beside an exported model: what it is, and how diffusers draws with it.</summary>
internal static class ModelCard
{
    /// <summary>The card.</summary>
    /// <param name="model">The model.</param>
    /// <param name="parameters">How many numbers it has learned.</param>
    /// <param name="images">The images that it was trained on, in words; null where that is not known.</param>
    /// <param name="size">Rows and columns of an image, which may be fewer than the network's.</param>
    /// <param name="classes">The names of its classes, as far as they are known.</param>
    public static string Of(DiffusersModel model, long parameters, string? images, (int Height, int Width) size, IReadOnlyList<string> classes)
    {
        var (network, sampling, diffusion) = (model.Network, model.Scheduler.Sampling, model.Scheduler.Diffusion);
        var text = new StringBuilder();
        void Line(string line = "") => text.Append(line).Append('\n');
        bool conditional = network.ClassEmbeddings is not null;
        Line("---\nlibrary_name: diffusers\ntags:\n- unconditional-image-generation\n---"
            .Replace("unconditional-image-generation", conditional ? "class-conditional-image-generation" : "unconditional-image-generation"));
        Line("# A diffusion model, trained with RawDiffusion");
        Line();
        Line(string.Create(CultureInfo.InvariantCulture, $"A U-Net of {parameters:N0} parameters that predicts {Predicted(diffusion.Prediction)} over " +
            $"{diffusion.Timesteps} timesteps (`{NamedEnum<BetaSchedule>.NameOf(diffusion.BetaSchedule)}`)") +
            $"{(images is null ? "" : $", trained on {images}")}. The weights are the moving average.");
        Line();
        Line("```python");
        Line(conditional ? "from diffusers import DiffusionPipeline" : $"from diffusers import {Pipeline(sampling)}");
        Line();
        Line(conditional
            ? "pipeline = DiffusionPipeline.from_pretrained(\"THIS FOLDER\", trust_remote_code=True)  # runs its pipeline.py"
            : $"pipeline = {Pipeline(sampling)}.from_pretrained(\"THIS FOLDER\")");
        Line(conditional ? $"images = pipeline(class_labels=[{(model.NoClass == 0 ? 1 : 0)}] * 4).images" : $"images = pipeline({Arguments(sampling)}).images");
        Line("```");
        if (classes.Count > 0)
        {
            Line();
            Line($"Classes: {string.Join(", ", classes.Select((name, label) => $"{(label < model.NoClass || model.NoClass is null ? label : label + 1)} {name}"))}." +
                (model.NoClass is not { } row ? " No row stands for no class, so guidance is not possible."
                    : model.NoClassIsTrained ? $" Row {row} stands for no class; guidance needs it." : $" Row {row} is unused: training dropped no labels, so " +
                        $"guidance is not possible."));
        }
        if (size != (network.Height, network.Width))
        {
            Line();
            Line($"The network's images are {network.Height}×{network.Width}: cut the middle {size.Height}×{size.Width} out.");
        }
        return text.ToString();
    }

    private static string Pipeline(SamplingConfig sampling) => sampling.Sampler == SamplerName.Ddim ? "DDIMPipeline" : "DDPMPipeline";

    /// <summary>What makes the stock pipeline do as the sampler here does.</summary>
    private static string Arguments(SamplingConfig sampling) => string.Create(CultureInfo.InvariantCulture, $"batch_size=4, num_inference_steps={sampling.Steps}") +
        (sampling.Sampler == SamplerName.Ddim ? string.Create(CultureInfo.InvariantCulture, $", eta={sampling.Eta}, use_clipped_model_output=True") : "");

    private static string Predicted(Prediction prediction) => prediction switch
    {
        Prediction.Epsilon => "the noise",
        Prediction.X0 => "the image",
        Prediction.V => "the velocity",
        _ => NamedEnum<Prediction>.NameOf(prediction),
    };
}
