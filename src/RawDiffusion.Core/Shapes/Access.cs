namespace RawDiffusion.Core;

/// <summary>What an op does with a tensor that it is given.</summary>
[Flags]
public enum Access
{
    /// <summary>Reads it.</summary>
    Read = 1,

    /// <summary>Writes it, whatever it holds.</summary>
    Write = 2,

    /// <summary>Changes what it holds.</summary>
    Update = Read | Write,
}
