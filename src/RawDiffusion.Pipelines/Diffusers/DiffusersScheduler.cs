using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;

namespace RawDiffusion.Pipelines;

/// <summary>
/// What a scheduler of diffusers (<c>scheduler/scheduler_config.json</c>) says: the noise levels, what the network predicts, and which sampler
/// draws with it. Each value is followed, or refused by its name.
/// </summary>
/// <param name="Diffusion">The process.</param>
/// <param name="Sampling">The sampler.</param>
public sealed record DiffusersScheduler(DiffusionConfig Diffusion, SamplingConfig Sampling)
{
    private static readonly Dictionary<SamplerName, ConfigTable<DiffusersScheduler>> _tables = new()
    {
        [SamplerName.Ddpm] = new("DDPMScheduler", SchedulerKeys.Ddpm()),
        [SamplerName.Ddim] = new("DDIMScheduler", SchedulerKeys.Ddim()),
        [SamplerName.DpmSolver2M] = new("DPMSolverMultistepScheduler", SchedulerKeys.DpmSolver()),
    };

    /// <summary>Keys of other schedulers: diffusers keeps them when one is made from another's configuration, where its classes pass over them.</summary>
    private static readonly string[] _foreign =
    [
        .. _tables.Values.SelectMany(table => table.Names), "disable_corrector", "flow_shift", "interpolation_type", "predict_x0", "shift_terminal", "sigma_max", "sigma_min",
        "skip_prk_steps", "solver_p", "tensor_format", "time_shift_type", "timestep_type", "timestep_values",
    ];

    /// <summary>What a model without a scheduler is drawn with.</summary>
    public static DiffusersScheduler Default { get; } = FromJson([], "");

    /// <summary>Whether the network answers a variance beside its prediction (<c>variance_type: learned_range</c>).</summary>
    public bool LearnedVariance { get; init; }

    /// <summary>The class of the sampler.</summary>
    /// <exception cref="ConfigurationException">The format has none.</exception>
    public string ClassName => Table.ClassName;

    private ConfigTable<DiffusersScheduler> Table => _tables.TryGetValue(Sampling.Sampler, out var table)
        ? table
        : throw new ConfigurationException(
            $"The format has no scheduler that draws as the sampler {NamedEnum<SamplerName>.NameOf(Sampling.Sampler)} does, but it has one for " +
                $"{string.Join(", ", _tables.Keys.Select(NamedEnum<SamplerName>.NameOf))}. " +
            "Choose one of these for the model.");

    /// <summary>Reads a <c>scheduler_config.json</c>.</summary>
    /// <param name="json">Its contents.</param>
    /// <param name="file">Its path, for messages.</param>
    /// <exception cref="ConfigurationException">Something in it is not supported; the message lists all that is not.</exception>
    public static DiffusersScheduler FromJson(JsonObject json, string file)
    {
        var problems = new List<string>();
        var scheduler = Read(json, file, problems);
        DiffusersModel.ThrowIfAny(problems);
        return scheduler;
    }

    /// <summary>The contents of a <c>scheduler_config.json</c>, every key written.</summary>
    /// <exception cref="ConfigurationException">The format has no words for the process or the sampler.</exception>
    public JsonObject ToJson() => Table.ToJson(this);

    /// <summary>Reads a <c>scheduler_config.json</c>, noting what is not supported.</summary>
    internal static DiffusersScheduler Read(JsonObject json, string file, List<string> problems)
    {
        var fields = new ConfigFields(json, file, problems);
        int before = problems.Count;
        string name = fields.Choice("_class_name", "DDPMScheduler", [.. _tables.Values.Select(table => table.ClassName)]);
        var (sampler, table) = _tables.First(pair => pair.Value.ClassName == name);
        var start = new DiffusersScheduler(new DiffusionConfig(), new SamplingConfig { Sampler = sampler });
        // In another class the keys mean something else: the class alone is reported.
        return problems.Count > before ? start : table.Read(fields, start, _foreign);
    }
}
