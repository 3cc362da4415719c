namespace RawDiffusion.Cases;

/// <summary>What a case does with a tensor.</summary>
public enum Role
{
    /// <summary>An input that the case wants the gradient of; must not change.</summary>
    Differentiable,

    /// <summary>An input without gradient; must not change.</summary>
    Constant,

    /// <summary>Changed in place, and compared.</summary>
    State,

    /// <summary>Must be written completely, and is compared.</summary>
    Output,
}
