using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Images;
using RawDiffusion.Models;
using RawDiffusion.Training;

namespace RawDiffusion.Trainer.Commands;

/// <summary>Quick checks that a machine computes rightly; the test suites do the same op by op.</summary>
internal static class SelfCheck
{
    // A finite difference in single precision is worth about three digits.
    private const double Tolerance = 0.02;

    private const int BatchSize = 4;

    private static readonly UNetConfig Tiny = TinyTraining.Network(side: 16, 16, 32) with { Dropout = 0 };

    // Red on the left and blue on the right, as Pillow writes them.
    private static readonly (ImageFormat Format, string File)[] Samples =
    [
        (ImageFormat.Jpeg, "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYUGBIUFRT/" +
            "2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQU"
            + "FBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAIAAgDAREAAhEBAxEB/8QAFAABAAAAAAAAAAAAAAAAAAAACP/EABgQAAIDAAAAAAAAAAAAAAAAAAAHRYPC/8QA"
            + "FQEBAQAAAAAAAAAAAAAAAAAABwj/xAAYEQACAwAAAAAAAAAAAAAAAAAACEWDw//aAAwDAQACEQMRAD8AGzVi7cDgssxRsUaw0Vdkf//Z"),
        (ImageFormat.WebP, "UklGRh4AAABXRUJQVlA4TBIAAAAvB8ABAA8Q87//8x8O+hDR/wA="),
        (ImageFormat.Tiff, "SUkqAAgAAAAKAAABBAABAAAAAgAAAAEBBAABAAAAAQAAAAIBAwADAAAAhgAAAAMBAwABAAAAAQAAAAYBAwABAAAAAgAAABEBBAABAAAAjAAAABUBAwABAAAA" +
            "AwAAABYBBAABAAAAAQAAABcBBAABAAAABgAAABwBAwAB"
            + "AAAAAQAAAAAAAAAIAAgACAD/AAAAAP8="),
    ];

    /// <summary>Each check by its name; it returns what is wrong, or null.</summary>
    public static IReadOnlyList<(string Name, Func<Device, string?> Check)> All { get; } =
    [
        ("random numbers", RandomNumbers),
        ("pictures", Pictures),
        ("gradients", Gradients),
        ("threads", Threads),
    ];

    /// <summary>Whether a file of each library's format can be read here: a library that is left out is no failure of the machine.</summary>
    public static IEnumerable<(ImageFormat Format, string Answer)> Formats() => Samples.Select(sample => (sample.Format, Read(sample.File).Failure ?? "can be read"));

    /// <summary>A training step on another device must bring the loss and the gradient that it brings on the CPU.</summary>
    /// <returns>What differs, or null.</returns>
    public static string? SameStep(Device device, Device cpu)
    {
        const double Tolerance = 1e-4;
        using var there = Training(device);
        using var here = Training(cpu);
        var (a, b) = (Evaluate(there), Evaluate(here));
        bool same = Math.Abs(a.Loss - b.Loss) <= Tolerance * b.Loss && Math.Abs(a.GradNorm - b.GradNorm) <= Tolerance * b.GradNorm;
        return same ? null : $"it computes loss {a.Loss:R} and gradient {a.GradNorm:R}, the CPU {b.Loss:R} and {b.GradNorm:R}";
    }

    /// <summary>The known answer of Philox 4×32-10 for a counter and key of all ones.</summary>
    private static string? RandomNumbers(Device device) =>
        Philox.Block(new UInt4(~0u, ~0u, ~0u, ~0u), ~0ul) == new UInt4(0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu) ? null : "Philox does not give its known answer";

    private static string? Pictures(Device device)
    {
        var image = new Image(5, 7, 3, [.. Enumerable.Range(0, 5 * 7 * 3).Select(i => (byte)(i * 31))]);
        if (!ImageDecoder.Default.Decode(PngWriter.Encode(image)).Pixels.AsSpan().SequenceEqual(image.Pixels))
        {
            return "a PNG that was written does not read back alike";
        }
        string[] wrong = [.. Samples.Where(sample => Read(sample.File) is ({ } pixels, _) && (pixels[0] < 200 || pixels[^1] < 200)).Select(sample => $"{sample.Format}")];
        return wrong.Length == 0 ? null : $"{string.Join(" and ", wrong)} images decode to other colours than their own";
    }

    private static (byte[]? Pixels, string? Failure) Read(string file)
    {
        try
        {
            return (ImageDecoder.Default.Decode(Convert.FromBase64String(file)).Pixels, null);
        }
        catch (DataException e)
        {
            return (null, e.Message);
        }
    }

    /// <summary>A step along the gradient must raise the loss by as much as the gradient is long.</summary>
    private static string? Gradients(Device device)
    {
        const double Step = 1e-2;
        using var training = Training(device);
        var values = training.Parameters.Values;
        float[] weights = values.ToArray();
        var result = Evaluate(training);
        var (loss, norm) = (result.Loss, result.GradNorm);
        float[] direction = [.. training.Parameters.Gradients!.ToArray().Select(gradient => (float)(gradient / norm))];
        double LossAt(double along)
        {
            values.Upload(weights.Zip(direction, (weight, d) => (float)(weight + along * d)).ToArray());
            return Evaluate(training).Loss;
        }
        double measured = (LossAt(Step) - LossAt(-Step)) / (2 * Step);
        double error = Math.Abs(measured - norm) / norm;
        return double.IsFinite(loss) && error < Tolerance ? null : $"the gradient's norm is {norm:G6}, but finite differences say {measured:G6}";
    }

    private static string? Threads(Device device)
    {
        using var one = new CpuDevice(1);
        using var alone = Training(one);
        using var together = Training(device);
        var (a, b) = (Evaluate(alone), Evaluate(together));
        return a.Equals(b) ? null : $"one thread computes loss {a.Loss:R} and gradient {a.GradNorm:R}, all threads {b.Loss:R} and {b.GradNorm:R}";
    }

    private static TinyTraining Training(Device device) => new(device, Tiny, BatchSize);

    private static StepResult Evaluate(TinyTraining training) => training.Evaluate(training.Batch(0));
}
