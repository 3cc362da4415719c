using RawDiffusion.Core;

namespace RawDiffusion.Pipelines;

/// <summary>How many images can be drawn in one go: all of them are held in memory until they are written.</summary>
public static class SampleSize
{
    // A pixel is a float while drawing, a byte in an image and once more in a file.
    private const int BytesPerValue = sizeof(float) + 2;

    /// <summary>What is wrong with a number of images, without a full stop; null if they can be held.</summary>
    /// <param name="count">How many.</param>
    /// <param name="height">Rows of each.</param>
    /// <param name="width">Columns of each.</param>
    /// <param name="channels">Channels of each.</param>
    /// <param name="frames">Moments of the way to them that are kept.</param>
    public static string? Problem(long count, int height, int width, int channels, int frames = 0) =>
        Problem(count, height, width, channels, frames, GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    /// <inheritdoc cref="Problem(long, int, int, int, int)"/>
    internal static string? Problem(long count, int height, int width, int channels, int frames, long memory)
    {
        long values = (long)height * width * channels, bytes = values * (BytesPerValue + sizeof(float) * (long)frames);
        long most = Math.Min(Array.MaxLength / values, memory / bytes);
        return count <= most ? null
            : $"{count:N0} images of {height}×{width}×{channels} are too many for one go, as they are held in memory until all are drawn; here at most {most:N0} can be. Draw " +
              "fewer, several times with other seeds";
    }

    /// <summary>Refuses a request that cannot be held.</summary>
    /// <exception cref="ConfigurationException">It asks for too many images.</exception>
    public static void Check(GenerativeModel model, SampleRequest request)
    {
        if (Problem(request.Count, model.Height, model.Width, model.Channels, request.TrajectoryFrames) is { } problem)
        {
            throw new ConfigurationException($"{problem}.");
        }
    }
}
