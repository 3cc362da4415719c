using System.Buffers;
using System.Text.Json;
using RawDiffusion.Core;

namespace RawDiffusion.Storage;

/// <summary>
/// A run's <c>metrics.jsonl</c>: one JSON object per line and logged step, in the file as soon as it is appended.
/// Numbers that are not finite, which JSON lacks, are written as null.
/// </summary>
public sealed class MetricsLog : IDisposable
{
    private readonly Stream _file;
    private readonly string _path;
    private readonly ArrayBufferWriter<byte> _line = new();
    private long _goodLength;

    private MetricsLog(Stream file, string path) => (_file, _path, _goodLength) = (file, path, file.Length);

    /// <summary>Opens a log to append to, keeping what earlier parts of the run logged up to a step.</summary>
    /// <param name="path">The file; created where missing.</param>
    /// <param name="resumedStep">Lines of later steps are dropped, as is a line that a crash has torn; 0 for a new run.</param>
    /// <param name="fileSystem">Where to write; the machine's disk where null.</param>
    /// <exception cref="StorageException">The file cannot be read or written.</exception>
    public static MetricsLog Open(string path, long resumedStep, IFileSystem? fileSystem = null)
    {
        var files = fileSystem ?? DiskFileSystem.Instance;
        Repair(files, path, resumedStep);
        MetricsLog? log = null;
        StorageFailure.Guard($"open {path}", () => log = new MetricsLog(files.Append(path), path));
        return log!;
    }

    /// <summary>Reads all logged steps, in the file's order; lines that are no complete record are passed over.</summary>
    /// <returns>The steps; none where the file is missing.</returns>
    /// <exception cref="StorageException">The file cannot be read.</exception>
    public static IReadOnlyList<StepMetrics> Read(string path)
    {
        var steps = new List<StepMetrics>();
        foreach (var line in Lines(path))
        {
            if (Parse(line.Span) is { } metrics)
            {
                steps.Add(metrics);
            }
        }
        return steps;
    }

    /// <summary>Appends a step and hands the line to the operating system.</summary>
    /// <exception cref="StorageException">The line cannot be written. The log can go on to be used; what was written of the line is removed.</exception>
    public void Append(in StepMetrics metrics)
    {
        Format(metrics, _line);
        try
        {
            if (_file.Length != _goodLength)
            {
                _file.SetLength(_goodLength);
                _file.Seek(0, SeekOrigin.End);
            }
            _file.Write(_line.WrittenSpan);
            _file.Flush();
            _goodLength += _line.WrittenCount;
        }
        catch (Exception e) when (StorageFailure.Covers(e))
        {
            throw StorageFailure.While($"write {_path}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();

    private static void Repair(IFileSystem files, string path, long resumedStep)
    {
        var lines = Lines(path);
        var kept = lines.Where(line => Parse(line.Span) is { } metrics && metrics.Step <= resumedStep).ToArray();
        if (kept.Length == lines.Count)
        {
            return;
        }

        AtomicFile.Write(files, path, stream =>
        {
            foreach (var line in kept)
            {
                stream.Write(line.Span);
            }
        });
    }

    /// <summary>The file's lines with their line ends; the last may lack it.</summary>
    private static List<ReadOnlyMemory<byte>> Lines(string path)
    {
        var lines = new List<ReadOnlyMemory<byte>>();
        if (!File.Exists(path))
        {
            return lines;
        }

        ReadOnlyMemory<byte> rest = default;
        StorageFailure.Guard($"read {path}", () =>
        {
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            byte[] bytes = new byte[file.Length];
            rest = bytes.AsMemory(0, file.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false));
        });
        while (!rest.IsEmpty)
        {
            int end = rest.Span.IndexOf((byte)'\n');
            int length = end < 0 ? rest.Length : end + 1;
            lines.Add(rest[..length]);
            rest = rest[length..];
        }
        return lines;
    }

    private static void Format(in StepMetrics metrics, ArrayBufferWriter<byte> line)
    {
        line.ResetWrittenCount();
        using (var json = new Utf8JsonWriter(line))
        {
            json.WriteStartObject();
            json.WriteNumber("step", metrics.Step);
            WriteNumber(json, "loss", metrics.Loss);
            WriteNumber(json, "grad_norm", metrics.GradNorm);
            WriteNumber(json, "lr", metrics.Lr);
            WriteNumber(json, "images_per_s", metrics.ImagesPerSecond);
            WriteNumber(json, "seconds", metrics.Seconds);
            if (metrics.Losses is { } losses)
            {
                json.WriteStartObject("losses");
                foreach (var (name, value) in losses)
                {
                    WriteNumber(json, name, value);
                }
                json.WriteEndObject();
            }
            json.WriteEndObject();
        }
        line.Write("\n"u8);
    }

    private static void WriteNumber(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumber(name, value);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    /// <summary>The step of a line, or null where the line is not complete.</summary>
    private static StepMetrics? Parse(ReadOnlySpan<byte> line)
    {
        if (!line.EndsWith("\n"u8))
        {
            return null;
        }

        try
        {
            var reader = new Utf8JsonReader(line);
            using var document = JsonDocument.ParseValue(ref reader);
            var root = document.RootElement;
            return new StepMetrics(
                root.GetProperty("step").GetInt64(),
                Number(root, "loss"),
                Number(root, "grad_norm"),
                Number(root, "lr"),
                Number(root, "images_per_s"),
                Number(root, "seconds"))
            {
                Losses = root.TryGetProperty("losses", out var losses) && losses.ValueKind == JsonValueKind.Object
                    ? [.. losses.EnumerateObject().Select(loss => KeyValuePair.Create(loss.Name, Number(losses, loss.Name)))]
                    : null,
            };
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException)
        {
            return null;
        }
    }

    private static double Number(JsonElement root, string name) =>
        root.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number ? value.GetDouble() : double.NaN;
}
