using System.Globalization;

namespace RawDiffusion.Trainer.Terminal;

/// <summary>What is said on stderr, so that stdout stays for data.</summary>
internal static class Talk
{
    /// <summary>Whether somebody watches: then progress may move.</summary>
    public static bool IsLive { get; } = !Console.IsErrorRedirected && Environment.GetEnvironmentVariable("TERM") != "dumb";

    /// <summary>Whether colours are welcome (no-color.org).</summary>
    public static bool HasColour => IsLive && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR"));

    /// <summary>Whether only what went wrong, or may have, is worth saying.</summary>
    public static bool IsQuiet { get; set; }

    /// <summary>Says one line, unless asked to be quiet.</summary>
    public static void Line(string text)
    {
        if (!IsQuiet)
        {
            Console.Error.WriteLine(text);
        }
    }

    /// <summary>Says one line that matters also to those who asked for quiet.</summary>
    public static void Warning(string text) => Console.Error.WriteLine(text);

    /// <summary>Shows the cursor again, which a live display hides.</summary>
    public static void RestoreCursor()
    {
        if (IsLive)
        {
            Console.Error.Write("\u001b[?25h\n");
        }
    }

    /// <summary>A duration as people say it: 45 s, 3 min 05 s, 2 h 14 min, 3 d 4 h.</summary>
    public static string Duration(double seconds)
    {
        var time = TimeSpan.FromSeconds(Math.Clamp(double.IsNaN(seconds) ? 0 : Math.Ceiling(seconds), 0, TimeSpan.MaxValue.TotalSeconds / 2));
        return time.TotalMinutes < 1 ? $"{time.Seconds} s"
            : time.TotalHours < 1 ? $"{time.Minutes} min {time.Seconds:00} s"
            : time.TotalDays < 1 ? $"{time.Hours} h {time.Minutes:00} min"
            : $"{(long)time.TotalDays:N0} d {time.Hours} h";
    }

    /// <summary>An amount of memory: 312 MiB, 2.4 GiB.</summary>
    public static string Bytes(long bytes) => bytes < 1L << 30
        ? $"{bytes / (double)(1 << 20):0} MiB"
        : $"{(bytes / (double)(1 << 30)).ToString("0.0", CultureInfo.InvariantCulture)} GiB";

    /// <summary>A number of things: 1 image, 2,000 images.</summary>
    public static string Count(long number, string thing) => $"{number.ToString("N0", CultureInfo.InvariantCulture)} {thing}{(number == 1 ? "" : "s")}";

    /// <summary>A number with about three digits.</summary>
    public static string Number(double value) =>
        value >= 1000 ? value.ToString("N0", CultureInfo.InvariantCulture) : value.ToString("G3", CultureInfo.InvariantCulture).ToLowerInvariant();
}
