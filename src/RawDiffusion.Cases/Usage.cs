namespace RawDiffusion.Cases;

/// <summary>How a run uses a case's differentiable tensors.</summary>
public enum Usage
{
    /// <summary>Once, with gradients that nothing has been added to, in an arena.</summary>
    Once,

    /// <summary>Once, with gradients that the tape allocates.</summary>
    WithoutArena,

    /// <summary>By two runs of the op on one tape, whose results are added.</summary>
    Twice,

    /// <summary>Once, adding to a gradient that is there.</summary>
    Onto,
}
