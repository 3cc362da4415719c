namespace RawDiffusion.Cases;

/// <summary>What a run wants of one gradient.</summary>
public enum Wanted
{
    /// <summary>Nothing: the tensor requires no gradient.</summary>
    Not,

    /// <summary>That it overwrites.</summary>
    Alone,

    /// <summary>That it is added to what is there.</summary>
    Added,
}
