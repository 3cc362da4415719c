using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Pipelines;

namespace RawDiffusion.Training;

/// <summary>Notices that a run is resumed with other data than it began with.</summary>
internal static class DatasetChange
{
    /// <summary>Refuses data that differs from what the run remembers.</summary>
    /// <exception cref="ConfigurationException">Lists each difference.</exception>
    public static void Refuse(DatasetInfo before, IDataset now)
    {
        var differences = new List<string>();
        void Compare<T>(string what, T was, T becomes)
        {
            if (!EqualityComparer<T>.Default.Equals(was, becomes))
            {
                differences.Add($"{what}: {was} before, {becomes} now");
            }
        }
        Compare("images", before.Count, now.Count);
        Compare("rows", before.Height, now.Height);
        Compare("columns", before.Width, now.Width);
        Compare("channels", before.Channels, now.Channels);
        Compare("classes", string.Join(", ", before.ClassNames), string.Join(", ", now.ClassNames));
        Compare("content (fingerprint)", Short(before.Fingerprint), Short(now.Fingerprint));
        if (differences.Count > 0)
        {
            throw new ConfigurationException($"The run cannot go on with other data than it began with ({string.Join("; ", differences)}). Restore the data, or start a " +
                "new run from this one's weights (network.start_from).");
        }
    }

    private static string Short(string fingerprint) => fingerprint.Length > 12 ? fingerprint[..12] : fingerprint;
}
