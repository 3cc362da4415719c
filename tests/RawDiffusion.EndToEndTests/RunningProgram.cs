using System.Collections.Concurrent;
using System.Diagnostics;
using System.Runtime.InteropServices;
using System.Text;

namespace RawDiffusion.EndToEndTests;

/// <summary>The executable while it runs.</summary>
public sealed partial class RunningProgram
{
    /// <summary>SIGINT, as Ctrl+C sends it.</summary>
    public const int Interrupt = 2;

    /// <summary>SIGTERM.</summary>
    public const int Terminate = 15;

    private readonly Process _process;
    private readonly int _patience;
    private readonly StringBuilder _out = new(), _error = new();
    private readonly BlockingCollection<string> _errorLines = [];

    public RunningProgram(Process process, int patience)
    {
        (_process, _patience) = (process, patience);
        process.OutputDataReceived += (_, line) => Append(_out, line.Data);
        process.ErrorDataReceived += (_, line) =>
        {
            Append(_error, line.Data);
            if (line.Data is null)
            {
                _errorLines.CompleteAdding();
            }
            else
            {
                _errorLines.Add(line.Data);
            }
        };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
    }

    /// <summary>Waits until a line on stderr starts with a text.</summary>
    public void WaitForLine(string start)
    {
        while (_errorLines.TryTake(out string? line, _patience))
        {
            if (line.StartsWith(start, StringComparison.Ordinal))
            {
                return;
            }
        }
        Assert.Fail($"no line started with '{start}':\n{_error}");
    }

    /// <summary>Gives the program lines to read, and then the end of its input.</summary>
    public RunningProgram Tell(params string[] lines)
    {
        foreach (string line in lines)
        {
            _process.StandardInput.Write(line + '\n');
        }
        _process.StandardInput.Close();
        return this;
    }

    /// <summary>Sends a signal.</summary>
    public void Signal(int signal) => Assert.Equal(0, Kill(_process.Id, signal));

    /// <summary>Ends the process as kill -9 and the power switch do.</summary>
    public void Kill() => _process.Kill();

    /// <summary>Waits for the end; a program that hangs is killed and fails the test.</summary>
    public Result WaitForExit(int? milliseconds = null)
    {
        if (!_process.WaitForExit(milliseconds ?? _patience))
        {
            _process.Kill();
            Assert.Fail($"the program hangs:\n{_out}\n{_error}");
        }
        // Waits for the rest of the output too.
        _process.WaitForExit();
        var result = new Result(_process.ExitCode, _out.ToString(), _error.ToString());
        _process.Dispose();
        return result;
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is not null)
        {
            text.Append(line).Append('\n');
        }
    }

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int process, int signal);
}
