using System.CommandLine;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Trainer.Commands;

/// <summary>What other programs call options that are here under another name: too far from it for an edit distance.</summary>
internal static class OtherNames
{
    private static readonly Dictionary<string, string[]> _options = new(StringComparer.OrdinalIgnoreCase)
    {
        ["--count"] = ["-n", "--n", "--num", "--num-images", "--num-samples", "--n-samples", "--samples", "--images", "--amount"],
        ["--set sampling.count=N"] = ["--count", "--num-images", "--num-samples", "--n-samples", "--samples"],
        ["--set sampling.sampler=NAME"] = ["--sampler", "--scheduler"],
        ["--steps"] =
            ["--iterations", "--iters", "--num-steps", "--max-steps", "--max-train-steps", "--train-num-steps", "--num-inference-steps", "--ddim-steps", "--sampling-steps"],
        ["--steps, which counts batches and not passes over the images"] = ["--epochs", "--num-epochs", "--num-train-epochs", "--n-epochs", "-e"],
        ["--batch"] = ["-b", "--bs", "--train-batch-size", "--batchsize"],
        ["--lr"] = ["--learning-rate", "-lr", "--train-lr"],
        ["--set data.resize=N"] = ["--resolution", "--image-size", "--img-size", "--size", "--width", "--height"],
        ["--out"] = ["-o", "--output", "--outdir", "--output-dir", "--output-path", "--logdir", "--results-folder", "--run"],
        ["--data"] = ["-d", "--dataset", "--train-data-dir", "--data-dir", "--dataroot", "--input-dir", "--folder"],
        ["--class"] = ["--label", "--labels", "--class-label", "--class-cond", "--prompt"],
        ["--guidance"] = ["--cfg", "--cfg-scale", "--guidance-scale", "--scale", "-w"],
        ["--sampler"] = ["--scheduler", "--method"],
        ["--device cuda"] = ["--gpu", "--gpus", "--cuda", "--use-gpu"],
        ["--precision"] = ["--mixed-precision", "--fp16", "--amp", "--dtype", "--half"],
        ["--weights raw"] = ["--no-ema"],
        ["--weights ema"] = ["--use-ema", "--ema"],
        ["--threads"] = ["-j", "--num-threads", "--workers", "--num-workers"],
        ["--save-every"] = ["--checkpointing-steps", "--save-interval", "--checkpoint-every", "--snap"],
        ["--sample-every"] = ["--sample-interval", "--save-and-sample-every", "--save-images-epochs", "--eval-every"],
        ["--set optimizer.ema_decay=X"] = ["--ema-decay", "--ema-rate"],
        ["--set optimizer.warm_up=N"] = ["--warmup", "--lr-warmup-steps", "--warmup-steps"],
        ["--set network.start_from=MODEL"] = ["--init-from", "--pretrained", "--resume", "--resume-from-checkpoint", "--checkpoint", "--start-from"],
        ["--conditional"] = ["--class-conditional", "--cond"],
        ["--quiet"] = ["-q", "--silent"],
    };

    private static readonly Dictionary<string, string> _commands = new(StringComparer.OrdinalIgnoreCase)
    {
        ["generate"] = "sample",
        ["draw"] = "sample",
        ["infer"] = "sample",
        ["inference"] = "sample",
        ["fit"] = "train",
        ["continue"] = "resume",
        ["list"] = "runs",
        ["ls"] = "runs",
        ["benchmark"] = "bench",
        ["save"] = "export",
        ["convert"] = "export",
        ["check"] = "doctor",
        ["info"] = "doctor",
    };

    /// <summary>A half sentence that names the command meant, with its space before it, or nothing.</summary>
    /// <param name="name">What was written.</param>
    /// <param name="known">The commands.</param>
    public static string CommandHint(string name, IEnumerable<string> known) =>
        _commands.TryGetValue(name, out string? meant) ? Hint(meant) : NearestName.Suggestion(name, known);

    /// <summary>A half sentence that names the option meant, with its space before it, or nothing.</summary>
    /// <param name="token">What was written, such as <c>--batch_size=4</c>.</param>
    /// <param name="command">The command whose options there are.</param>
    public static string OptionHint(string token, Command command)
    {
        string name = token.Split('=')[0].Replace('_', '-');
        string[] known = [.. command.Options.Select(option => option.Name)];
        string? meant = _options.FirstOrDefault(entry => entry.Value.Contains(name, StringComparer.OrdinalIgnoreCase) && known.Contains(entry.Key.Split(' ', ',')[0])).Key;
        return meant is not null ? Hint(meant) : name.TrimStart('-').Length < 2 ? "" : NearestName.Suggestion(name, known);
    }

    private static string Hint(string meant) => $" (did you mean {meant}?)";
}
