using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Pipelines;

namespace RawDiffusion.Training;

/// <summary>Notices that a run is resumed with other data than it began with.</summary>
internal static class DatasetChange
{
    private const string OverPixels = "v2-";

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
        if (before.Fingerprint != now.Fingerprint && before.Fingerprint != now.FormerFingerprint)
        {
            differences.Add($"content (fingerprint): {Short(before.Fingerprint)} before, {Short(now.Fingerprint)} now{Reason(before, now)}");
        }
        if (differences.Count > 0)
        {
            throw new ConfigurationException($"The run cannot go on with other data than it began with ({string.Join("; ", differences)}). Restore the data, or start a " +
                "new run from this one's weights (network.start_from).");
        }
    }

    private static string Reason(DatasetInfo before, IDataset now) => IsOverPixels(now.Fingerprint) && !IsOverPixels(before.Fingerprint)
        ? " (the run began with an older version, which read image files by libgd: WebP, GIF, BMP and TIFF may have other pixels now, "
            + "and pictures with an EXIF orientation are turned)"
        : "";

    private static bool IsOverPixels(string fingerprint) => fingerprint.StartsWith(OverPixels, StringComparison.Ordinal);

    private static string Short(string fingerprint) => fingerprint.Length > 12 ? fingerprint[..12] : fingerprint;
}
