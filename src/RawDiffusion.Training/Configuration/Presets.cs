using RawDiffusion.Diffusion;

namespace RawDiffusion.Training.Configuration;

/// <summary>The named starting points of a configuration.</summary>
public static class Presets
{
    /// <summary>The preset where neither a name nor data is given.</summary>
    public const string Default = "shapes";

    /// <summary>Every preset by its name.</summary>
    public static IReadOnlyDictionary<string, RunConfig> All { get; } = new Dictionary<string, RunConfig>
    {
        // The first command of a newcomer: recognisable shapes within three minutes on two cores. Predicting v with min-SNR weights draws well
        // after far fewer steps than predicting ε does.
        ["shapes"] = new()
        {
            Preset = "shapes",
            Steps = 850,
            Batch = 32,
            SaveEvery = 400,
            SampleEvery = 400,
            Network = new() { BlockChannels = [32, 64, 64], AttentionLevels = [2], LayersPerBlock = 1 },
            Conditional = true,
            Diffusion = new() { Prediction = Prediction.V, LossWeighting = LossWeighting.MinSnr },
            Optimizer = new() { LearningRate = 1e-3, WarmUp = 50, EmaDecay = 0.99 },
            Sampling = new() { Sampler = SamplerName.DpmSolver2M, Steps = 20, Guidance = 2 },
        },
        // The 1,112,801-parameter network that speed is compared with PyTorch on. Young networks that predict ε err by far at the noisiest timesteps,
        // where x̂0's error is ε's magnified 157-fold; those that predict v draw the data's mean and contrast after 1,000 steps.
        ["mnist"] = new()
        {
            Preset = "mnist",
            Steps = 5000,
            Batch = 64,
            Network = new() { BlockChannels = [32, 64, 64], AttentionLevels = [2], LayersPerBlock = 1 },
            Diffusion = new() { Prediction = Prediction.V, LossWeighting = LossWeighting.MinSnr },
            Optimizer = new() { LearningRate = 1e-3, WarmUp = 100, EmaDecay = 0.995 },
            Sampling = new() { Sampler = SamplerName.DpmSolver2M, Steps = 20 },
        },
        // The paper's 35,746,307-parameter network and recipe (Ho et al. 2020, appendix B).
        ["cifar10"] = new()
        {
            Preset = "cifar10",
            Steps = 800_000,
            Batch = 128,
            SaveEvery = 5000,
            SampleEvery = 5000,
            Data = new() { Flip = true },
            Network = new() { BlockChannels = [128, 256, 256, 256], AttentionLevels = [1], LayersPerBlock = 2, Dropout = 0.1 },
            Optimizer = new() { LearningRate = 2e-4, WarmUp = 5000, EmaDecay = 0.9999 },
        },
    };

    /// <summary>The images that a preset is made for: rows and columns, and channels.</summary>
    public static (int Side, int Channels) Images(string preset) => preset == "mnist" ? (28, 1) : (32, 3);

    /// <summary>The preset for images where none was named: mnist for grey ones of at most 28×28, cifar10 for all others.</summary>
    public static string ForImages(int height, int width, int channels) => channels == 1 && height <= 28 && width <= 28 ? "mnist" : "cifar10";
}
