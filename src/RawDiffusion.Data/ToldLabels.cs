namespace RawDiffusion.Data;

/// <summary>The classes that files beside the images tell.</summary>
/// <param name="Source">What tells them, for people.</param>
/// <param name="Texts">The class of each image; null where it tells none for it. Null in all: it says that there are no classes.</param>
internal sealed record ToldLabels(string Source, string?[]? Texts);
