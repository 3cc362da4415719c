using RawDiffusion.Core;

namespace RawDiffusion.Trainer.Terminal;

/// <summary>Turns whatever ends the program early into a paragraph on stderr and an exit code.</summary>
internal static class Failures
{
    private const string TraceVariable = "RAWDIFFUSION_TRACE";

    /// <summary>Runs the program.</summary>
    /// <returns>Its exit code, or that of the failure.</returns>
    public static int Guard(Func<int> program)
    {
        try
        {
            return program();
        }
        catch (Exception e) when (Explained(e) is { } failure)
        {
            Tell(Lines(failure.Message + Remedy(failure)), e);
            return ExitCodes.Of(failure);
        }
        catch (Exception e)
        {
            // The top of the trace is what a report needs.
            string[] trace = e.StackTrace?.Split('\n', StringSplitOptions.TrimEntries) ?? [];
            Tell($"This should not have happened; please report it with the command that you ran. {e.GetType().Name}: {OneParagraph(e.Message)} " +
                $"{string.Join(" ", trace.Take(3))}", e);
            return ExitCodes.Unexpected;
        }
    }

    /// <summary>What the library cannot know: the options of the command line that help.</summary>
    private static string Remedy(RawDiffusionException failure) => failure switch
    {
        DeviceException => " (rawdiffusion doctor tells of devices; --device cpu needs no GPU, --batch sets the batch.)",
        DivergedException => " (--lr sets the learning rate.)",
        _ => "",
    };

    /// <summary>Loaders work on several threads, and what fails there comes wrapped.</summary>
    private static RawDiffusionException? Explained(Exception e) => e switch
    {
        RawDiffusionException failure => failure,
        AggregateException aggregate => aggregate.Flatten().InnerExceptions.OfType<RawDiffusionException>().FirstOrDefault(),
        TypeInitializationException { InnerException: { } inner } => Explained(inner),
        _ => null,
    };

    private static void Tell(string paragraph, Exception e)
    {
        Console.Error.WriteLine($"rawdiffusion: {paragraph}");
        if (Environment.GetEnvironmentVariable(TraceVariable) == "1")
        {
            Console.Error.WriteLine(e);
        }
    }

    /// <summary>A list keeps its lines; whatever else breaks the text does not.</summary>
    private static string Lines(string message) =>
        string.Join('\n', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(line => line.TrimEnd()));

    private static string OneParagraph(string message) => string.Join(' ', message.Split(['\r', '\n'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
}
