using RawDiffusion.Data;
using RawDiffusion.Trainer.Terminal;

namespace RawDiffusion.Trainer.Commands;

/// <summary>Opens the data that a configuration names.</summary>
internal static class Datasets
{
    /// <summary>Reads a part of a set into memory, and says so where that takes long.</summary>
    /// <exception cref="Core.DataException">There is nothing, or something unusable.</exception>
    public static IDataset Open(DataConfig config, DatasetSplit split = DatasetSplit.Train) => DatasetOpener.Open(config.Path, new DatasetOptions
    {
        Split = split,
        Strict = !config.Lenient,
        Resize = config.Resize,
        Channels = config.Channels,
        Warn = Talk.Warning,
        Progress = Talk.IsLive && !Talk.IsQuiet ? new ReadingProgress() : null,
    });

    private sealed class ReadingProgress : IProgress<(int Done, int Total)>
    {
        private readonly Lock _writing = new();
        private long _next = Environment.TickCount64 + 500;

        public void Report((int Done, int Total) value)
        {
            lock (_writing)
            {
                if (Environment.TickCount64 >= _next)
                {
                    _next = Environment.TickCount64 + 200;
                    Console.Error.Write($"\r{$"reading image {value.Done:N0} of {value.Total:N0}",-40}\r");
                }
            }
        }
    }
}
