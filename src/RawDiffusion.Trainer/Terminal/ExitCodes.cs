using RawDiffusion.Core;

namespace RawDiffusion.Trainer.Terminal;

/// <summary>What the executable ends with when a failure reaches it.</summary>
internal static class ExitCodes
{
    /// <summary>A failure that nobody foresaw.</summary>
    public const int Unexpected = 1;

    /// <summary>The code of a failure's kind.</summary>
    public static int Of(RawDiffusionException failure) => failure switch
    {
        ConfigurationException => 2,
        DataException => 3,
        DeviceException => 4,
        DivergedException => 5,
        StorageException => 6,
        _ => Unexpected,
    };
}
