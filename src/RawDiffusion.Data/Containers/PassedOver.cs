namespace RawDiffusion.Data;

/// <summary>Something in a folder or an archive that is not listed among its files, and why.</summary>
/// <param name="Name">Its relative name; a folder's ends in a slash.</param>
/// <param name="Reason">What it is, or why it cannot be read.</param>
/// <param name="IsFault">True where images that were meant to be read may be missing for it.</param>
internal readonly record struct PassedOver(string Name, string Reason, bool IsFault = false);
