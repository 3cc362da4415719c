namespace RawDiffusion.Data;

/// <summary>A folder within an archive.</summary>
/// <param name="whole">The archive; disposed of with this.</param>
/// <param name="folder">The folder, with a slash at its end.</param>
internal sealed class ContainerPart(IContainer whole, string folder) : IContainer
{
    public string Path { get; } = $"{whole.Path}/{folder.TrimEnd('/')}";

    public ContainerListing Listing { get; } = new(
        [.. whole.Names.Where(name => name.StartsWith(folder, StringComparison.Ordinal)).Select(name => name[folder.Length..])],
        [.. whole.Listing.Folders.Where(name => name.StartsWith(folder, StringComparison.Ordinal)).Select(name => name[folder.Length..])],
        [.. whole.Listing.PassedOver.Where(item => item.Name.StartsWith(folder, StringComparison.Ordinal)).Select(item => item with { Name = item.Name[folder.Length..] })]);

    public IEnumerable<ContainerFile> Read(IReadOnlyCollection<string> names, long most) =>
        whole.Read([.. names.Select(name => folder + name)], most).Select(file => file with { Name = file.Name[folder.Length..] });

    public ContainerFile ReadStart(string name) => whole.ReadStart(folder + name) with { Name = name };

    public void Dispose() => whole.Dispose();
}
