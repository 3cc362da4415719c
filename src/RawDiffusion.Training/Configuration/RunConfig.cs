using RawDiffusion.Models;

namespace RawDiffusion.Training.Configuration;

/// <summary>
/// All of a run's configuration, resolved: what <c>config.json</c> holds (with snake_case keys), what <c>--set section.key=value</c> names.
/// With it, the data and the seed, a run can be repeated to the bit.
/// </summary>
public sealed record RunConfig
{
    /// <summary>The version of this layout; a newer one is refused.</summary>
    public const int CurrentFormat = 1;

    /// <summary>See <see cref="CurrentFormat"/>.</summary>
    public int Format { get; init; } = CurrentFormat;

    /// <summary>The preset that the defaults came from.</summary>
    public string Preset { get; init; } = "shapes";

    /// <summary>Training steps in total.</summary>
    public long Steps { get; init; } = 2000;

    /// <summary>Images per step.</summary>
    public int Batch { get; init; } = 32;

    /// <summary>The seed of everything random.</summary>
    public ulong Seed { get; init; }

    /// <summary>Steps between checkpoints; the last step is always saved.</summary>
    public long SaveEvery { get; init; } = 500;

    /// <summary>Steps between sample grids; the last step always draws one; 0 draws none before.</summary>
    public long SampleEvery { get; init; } = 500;

    /// <summary>Steps between logged lines.</summary>
    public long LogEvery { get; init; } = 10;

    /// <summary>Checkpoints kept: the newest ones.</summary>
    public int KeepCheckpoints { get; init; } = 3;

    /// <summary>Where the images come from.</summary>
    public DataConfig Data { get; init; } = new();

    /// <summary>The U-Net.</summary>
    public NetworkConfig Network { get; init; } = new();

    /// <summary>The diffusion process and its loss.</summary>
    public DiffusionConfig Diffusion { get; init; } = new();

    /// <summary>Adam, learning rate and moving average.</summary>
    public OptimizerConfig Optimizer { get; init; } = new();

    /// <summary>How sample grids are drawn, and the defaults of <c>sample</c>.</summary>
    public SamplingConfig Sampling { get; init; } = new();

    /// <summary>Where it runs.</summary>
    public DeviceConfig Device { get; init; } = new();

    /// <summary>What the data turned out to be: written by the program, never read from a user.</summary>
    public DatasetInfo? Dataset { get; init; }
}

/// <summary>What a run needs to remember of its data: to draw images of the same size, and to notice when a resume gets other data.</summary>
public sealed record DatasetInfo
{
    /// <summary>Rows of an image.</summary>
    public required int Height { get; init; }

    /// <summary>Columns of an image.</summary>
    public required int Width { get; init; }

    /// <summary>1 for grey, 3 for RGB.</summary>
    public required int Channels { get; init; }

    /// <summary>The number of images.</summary>
    public required int Count { get; init; }

    /// <summary>The names of the labels; empty without labels.</summary>
    public required IReadOnlyList<string> ClassNames { get; init; }

    /// <summary>A hash that tells data sets apart.</summary>
    public required string Fingerprint { get; init; }
}

/// <summary>The data set and how it is read.</summary>
public sealed record DataConfig
{
    /// <summary>A file or folder; null draws the built-in shapes.</summary>
    public string? Path { get; init; }

    /// <summary>Whether each image is mirrored left to right half of the time.</summary>
    public bool Flip { get; init; }

    /// <summary>Whether unreadable images are skipped and counted instead of failing the run.</summary>
    public bool Lenient { get; init; }

    /// <summary>Crops and scales every image to this many rows and columns; null takes them as they are, all of one size.</summary>
    public int? Resize { get; init; }

    /// <summary>1 makes images grey, 3 makes them RGB; null takes what the data has.</summary>
    public int? Channels { get; init; }
}

/// <summary>The U-Net's configuration but for what the data decides: see <see cref="UNetConfig"/> for each key.</summary>
public sealed record NetworkConfig
{
    /// <summary>Channels of each level, largest image first.</summary>
    public IReadOnlyList<int> Channels { get; init; } = [32, 64, 64];

    /// <summary>Levels with attention, by their index, 0 for the largest image.</summary>
    public IReadOnlyList<int> AttentionLevels { get; init; } = [2];

    /// <summary>Residual blocks of a level on the way down.</summary>
    public int LayersPerBlock { get; init; } = 1;

    /// <summary>Whether the middle has attention.</summary>
    public bool MiddleAttention { get; init; } = true;

    /// <summary>Channels of an attention head; null for one head.</summary>
    public int? AttentionHeadDim { get; init; }

    /// <summary>Groups of every group norm.</summary>
    public int NormGroups { get; init; } = 32;

    /// <summary>ε of every group norm.</summary>
    public double NormEps { get; init; } = 1e-6;

    /// <summary>Whether the time embedding scales and shifts the second norm.</summary>
    public bool TimeScaleShift { get; init; }

    /// <summary>0 pads below and right only, 1 all round, in stride-2 convolutions.</summary>
    public int DownsamplePadding { get; init; }

    /// <summary>Whether cosines come first in the timestep embedding.</summary>
    public bool FlipSinToCos { get; init; }

    /// <summary>Subtracted from half the width in the embedding's frequencies.</summary>
    public double FreqShift { get; init; } = 1;

    /// <summary>Dropout rate while training.</summary>
    public double Dropout { get; init; }

    /// <summary>Whether the data's labels condition the network (<c>--conditional</c>).</summary>
    public bool Conditional { get; init; }

    /// <summary>A run folder, checkpoint or hub folder whose weights training starts from; its network replaces this section.</summary>
    public string? StartFrom { get; init; }
}

/// <summary>The diffusion process, what the network predicts and how the loss weighs it.</summary>
public sealed record DiffusionConfig
{
    /// <summary>T.</summary>
    public int Timesteps { get; init; } = 1000;

    /// <summary>The hub's name of the beta schedule: linear, scaled_linear, squaredcos_cap_v2 (cosine) or sigmoid.</summary>
    public string BetaSchedule { get; init; } = "linear";

    /// <summary>β_1, where the schedule has it.</summary>
    public double BetaStart { get; init; } = 1e-4;

    /// <summary>β_T, where the schedule has it.</summary>
    public double BetaEnd { get; init; } = 0.02;

    /// <summary>Explicit betas (from a hub's scheduler); they replace the schedule.</summary>
    public IReadOnlyList<double>? TrainedBetas { get; init; }

    /// <summary>Whether betas are rescaled so that ᾱ_T = 0.</summary>
    public bool RescaleZeroSnr { get; init; }

    /// <summary>What the network predicts: epsilon, sample (x0) or v_prediction.</summary>
    public string Prediction { get; init; } = "epsilon";

    /// <summary>simple (all ones) or min_snr.</summary>
    public string LossWeighting { get; init; } = "simple";

    /// <summary>γ of min_snr.</summary>
    public double MinSnrGamma { get; init; } = 5;

    /// <summary>uniform or stratified timesteps.</summary>
    public string TimestepSampling { get; init; } = "uniform";

    /// <summary>The share of labels dropped while training, for classifier-free guidance.</summary>
    public double LabelDropout { get; init; } = 0.1;
}

/// <summary>Adam, its learning rate, clipping and the moving average.</summary>
public sealed record OptimizerConfig
{
    /// <summary>The learning rate after warm-up (<c>--lr</c>).</summary>
    public double LearningRate { get; init; } = 2e-4;

    /// <summary>Steps of linear warm-up: step s has rate·min(1, (s + 1)/warm_up).</summary>
    public long WarmUp { get; init; } = 100;

    /// <summary>β₁.</summary>
    public double Beta1 { get; init; } = 0.9;

    /// <summary>β₂.</summary>
    public double Beta2 { get; init; } = 0.999;

    /// <summary>ε, in PyTorch's place.</summary>
    public double Epsilon { get; init; } = 1e-8;

    /// <summary>The largest global gradient norm; null does not clip.</summary>
    public double? MaxNorm { get; init; } = 1.0;

    /// <summary>The moving average's decay.</summary>
    public double EmaDecay { get; init; } = 0.999;

    /// <summary>Whether the decay starts low: min(decay, (1 + n)/(10 + n)).</summary>
    public bool EmaWarmUp { get; init; } = true;

    /// <summary>Bad steps (non-finite gradients) in a row after which the run stops as diverged.</summary>
    public int MaxBadSteps { get; init; } = 10;
}

/// <summary>How images are drawn from the model.</summary>
public sealed record SamplingConfig
{
    /// <summary>ddpm (ancestral), ddim or dpmpp_2m.</summary>
    public string Sampler { get; init; } = "ddim";

    /// <summary>Denoising steps.</summary>
    public int Steps { get; init; } = 50;

    /// <summary>DDIM's η: 0 is deterministic, 1 is ancestral.</summary>
    public double Eta { get; init; }

    /// <summary>The ancestral sampler's variance: fixed_small or fixed_large.</summary>
    public string Variance { get; init; } = "fixed_large";

    /// <summary>Whether x̂0 is clipped to [−1, 1].</summary>
    public bool Clip { get; init; } = true;

    /// <summary>The scale s of classifier-free guidance: 1 is the plain conditional model.</summary>
    public double Guidance { get; init; } = 1;

    /// <summary>Images of a grid drawn while training.</summary>
    public int Count { get; init; } = 36;
}

/// <summary>The device and its settings.</summary>
public sealed record DeviceConfig
{
    /// <summary>auto, cpu or cuda, or cuda:i.</summary>
    public string Name { get; init; } = "auto";

    /// <summary>auto, fp32, tf32 or bf16.</summary>
    public string Precision { get; init; } = "auto";

    /// <summary>CPU threads; 0 for all.</summary>
    public int Threads { get; init; }

    /// <summary>Whether a GPU runs whole training and sampling steps as captured graphs; the results are the same bits without.</summary>
    public bool Graphs { get; init; } = true;
}
