namespace RawDiffusion.Cuda;

/// <summary>A kernel source file and the headers it may include by their bare names.</summary>
/// <param name="Name">The file's name without its ending: <c>group_norm</c>.</param>
/// <param name="Text">Its content.</param>
/// <param name="Headers">Name (<c>common.cuh</c>) and content of each header.</param>
public sealed record KernelSource(string Name, string Text, IReadOnlyList<KeyValuePair<string, string>> Headers);
