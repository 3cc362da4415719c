using System.Diagnostics;
using System.Runtime.InteropServices;

namespace RawDiffusion.EndToEndTests;

/// <summary>What a run of the executable came to.</summary>
/// <param name="ExitCode">As the shell sees it: 128 + signal where a signal ended it.</param>
/// <param name="Out">All of stdout.</param>
/// <param name="Error">All of stderr.</param>
public sealed record Result(int ExitCode, string Out, string Error)
{
    /// <summary>Asserts success.</summary>
    public Result Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Out}\n{Error}");
        return this;
    }

    /// <summary>
    /// Asserts a refusal as users should see it: its exit code, nothing on stdout, and at the end one paragraph, or one line and a list of
    /// indented ones, with these texts; no stack trace.
    /// </summary>
    public Result Refused(int exitCode, params string[] texts)
    {
        Assert.True(ExitCode == exitCode, $"exit code {ExitCode} instead of {exitCode}\n{Out}\n{Error}");
        Assert.Empty(Out);
        string[] lines = Error.TrimEnd().Split('\n');
        int start = Array.FindIndex(lines, line => line.StartsWith("rawdiffusion: ", StringComparison.Ordinal));
        Assert.True(start >= 0, Error);
        Assert.DoesNotContain(lines[(start + 1)..], line => line.StartsWith("rawdiffusion: ", StringComparison.Ordinal));
        Assert.DoesNotContain(lines, line => line.TrimStart().StartsWith("at ", StringComparison.Ordinal));
        string told = string.Join('\n', lines[start..]);
        Assert.DoesNotContain("please report", told);
        Assert.All(texts, text => Assert.Contains(text, told));
        return this;
    }
}

/// <summary>An empty folder in which the executable runs, removed afterwards.</summary>
public sealed class Workspace : IDisposable
{
    // A wrong program may hang; a slow machine must not fail.
    private const int MillisecondsUntilHung = 300_000;

    /// <summary>A network and pictures so small that a run is mostly start-up.</summary>
    public static string[] Tiny { get; } =
    [
        "--batch", "4", "--set", "network.channels=[8,16]", "--set", "network.norm_groups=4", "--set", "network.attention_levels=[1]",
        "--set", "sampling.count=4", "--set", "sampling.steps=3",
    ];

    private static readonly string Host = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..", OperatingSystem.IsWindows() ? "dotnet.exe" : "dotnet"));
    private static readonly string Program = Path.Combine(AppContext.BaseDirectory, "rawdiffusion.dll");

    /// <summary>The folder.</summary>
    public string Folder { get; } = Directory.CreateTempSubdirectory("rawdiffusion-").FullName;

    /// <summary>A path in the folder.</summary>
    public string At(params string[] names) => Path.Combine([Folder, .. names]);

    /// <summary>Writes a file, making its folders, and returns its path.</summary>
    public string Write(string name, byte[] content)
    {
        string path = At(name);
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, content);
        return path;
    }

    /// <summary>The files below the folder with their contents' lengths and last changes, to see that nothing was touched.</summary>
    public string[] Contents() =>
        [.. new DirectoryInfo(Folder).EnumerateFileSystemInfos("*", SearchOption.AllDirectories)
            .Select(entry => $"{Path.GetRelativePath(Folder, entry.FullName)} {(entry is FileInfo file ? $"{file.Length} {file.LastWriteTimeUtc:O}" : "")}")
            .Order(StringComparer.Ordinal)];

    /// <summary>Runs the executable to its end.</summary>
    public Result Run(params string[] arguments) => Start(arguments).WaitForExit(MillisecondsUntilHung);

    /// <summary>Runs a program of examples/ to its end.</summary>
    public Result RunExample(string name, params string[] arguments) =>
        StartOther(Host, [], [Path.Combine(AppContext.BaseDirectory, name + ".dll"), .. arguments]).WaitForExit(MillisecondsUntilHung);

    /// <summary>Trains a tiny network on the built-in shapes.</summary>
    public Result Train(string run, int steps, params string[] more) => Run(["train", "--out", run, "--steps", $"{steps}", .. Tiny, .. more]);

    /// <summary>Starts the executable.</summary>
    public RunningProgram Start(params string[] arguments) => Start([], arguments);

    /// <summary>Starts the executable with some variables of the environment set.</summary>
    public RunningProgram Start(Dictionary<string, string> environment, params string[] arguments) => StartOther(Host, environment, [Program, .. arguments]);

    /// <summary>Starts the executable by a shell, with arguments and redirections as they are typed there.</summary>
    public RunningProgram StartShell(string arguments) => StartOther("sh", [], "-c", $"exec '{Host}' '{Program}' {arguments}");

    /// <summary>Starts another program in the folder.</summary>
    public RunningProgram StartOther(string program, Dictionary<string, string> environment, params string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            WorkingDirectory = Folder,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        };
        start.Environment.Remove("RAWDIFFUSION_TRACE");
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }
        return new RunningProgram(Process.Start(start)!, MillisecondsUntilHung);
    }

    /// <inheritdoc/>
    public void Dispose() => Directory.Delete(Folder, recursive: true);
}
