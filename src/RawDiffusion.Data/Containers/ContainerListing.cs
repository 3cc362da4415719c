using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>What is in a folder or an archive, by relative names with forward slashes.</summary>
/// <param name="Names">Its files but hidden ones and those of training runs, in ordinal order.</param>
/// <param name="Folders">Its folders, without slashes at their ends, in ordinal order; an archive may tell only of some.</param>
/// <param name="PassedOver">What is in neither list, in ordinal order.</param>
internal sealed record ContainerListing(IReadOnlyList<string> Names, IReadOnlyList<string> Folders, IReadOnlyList<PassedOver> PassedOver)
{
    private const string RunConfig = "config.json";

    /// <summary>Sorts what was found, and takes out what is no data.</summary>
    /// <exception cref="DataException">A name comes twice, or the whole is a training run.</exception>
    public static ContainerListing Of(string container, IEnumerable<string> files, IEnumerable<string> folders, IEnumerable<PassedOver> passedOver)
    {
        var passed = passedOver.ToList();
        var names = new List<string>();
        foreach (string name in files)
        {
            int hidden = ContainerNames.HiddenPart(name);
            if (hidden < 0)
            {
                names.Add(name);
            }
            else if (hidden < name.Length)
            {
                passed.Add(new PassedOver(name[..(hidden + 1)], ContainerNames.Hidden));
            }
            else if (ImageNames.IsImage(name) && !Path.GetFileName(name).StartsWith("._", StringComparison.Ordinal))
            {
                passed.Add(new PassedOver(name, ContainerNames.Hidden));
            }
        }
        string[] sorted = ContainerNames.Sort(container, names);
        string[] runs = RunFolders(container, sorted);
        passed.AddRange(runs.Select(run => new PassedOver(run, "a training run, which is never data")));
        bool IsOfRun(string name) => runs.Any(run => name.StartsWith(run, StringComparison.Ordinal));
        return new ContainerListing(
            runs.Length == 0 ? sorted : [.. sorted.Where(name => !IsOfRun(name))],
            [.. folders.Where(folder => ContainerNames.HiddenPart(folder) < 0 && !IsOfRun(folder + "/")).Distinct().Order(StringComparer.Ordinal)],
            [.. passed.Distinct().OrderBy(item => item.Name, StringComparer.Ordinal)]);
    }

    /// <summary>The folders, each with a slash at its end, that training made.</summary>
    private static string[] RunFolders(string container, string[] names)
    {
        string[] runs = [.. names.Where(name => Path.GetFileName(name) == RunConfig).Select(name => name[..^RunConfig.Length])
            .Where(run => names.Any(name => name.StartsWith(run, StringComparison.Ordinal)
                && (name.AsSpan(run.Length).SequenceEqual("metrics.jsonl") || name.AsSpan(run.Length).StartsWith("checkpoints/step-"))))];
        return runs.Contains("")
            ? throw new DataException($"{container} is the folder of a training run (it holds {RunConfig} and checkpoints), not data. " +
                "To train on what the run drew, give the path of the folder with the drawn images.")
            : runs;
    }
}
