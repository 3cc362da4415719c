using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>Which files of a container are the images to train on, and what class files or folders put them into.</summary>
/// <param name="Files">The images' names, in ordinal order.</param>
/// <param name="Labels">The class of each, or null where nothing tells classes.</param>
/// <param name="ClassNames">The classes by their numbers: class folders in ordinal order.</param>
internal sealed record ClassLayout(IReadOnlyList<string> Files, int[]? Labels, IReadOnlyList<string> ClassNames)
{
    private const int MostNamed = 5;

    /// <summary>Sentences for people: what is left out, what was taken for what.</summary>
    public IReadOnlyList<string> Notes { get; private init; } = [];

    /// <summary>
    /// Strips folders that hold everything, takes only one part (<c>train/</c>) of a set with splits, and then takes for classes what files beside the images
    /// tell, or else the topmost folders that are left.
    /// </summary>
    /// <param name="container">The files.</param>
    /// <param name="split">Which part to take; a set without parts is all training part.</param>
    /// <param name="strict">Whether what cannot be listed, and images without a class among others with one, are failures; otherwise they are left out.</param>
    /// <exception cref="DataException">Images lie beside class folders, what folders mean cannot be told, there is no such part, or a failure in strict mode.</exception>
    public static ClassLayout Resolve(IContainer container, bool strict, DatasetSplit split = DatasetSplit.Train)
    {
        var leftOut = new LeftOut();
        var notes = new List<string>();
        CheckFaults(container, strict, leftOut);
        string[] images = ImageFiles.Among(container, leftOut), files = images;
        int prefix = CommonFolder(files, 0);
        if (FolderMeaning.AreSplits(container.Path, [.. files.Select(name => name[prefix..])]))
        {
            int start = prefix;
            string Part(string name) => FolderMeaning.Top(name[start..]);
            string[] chosen = SplitNames.Choose(split, container.Path, [.. files.Select(Part).Where(part => part.Length > 0).Distinct()]);
            foreach (string name in files.Where(name => !chosen.Contains(Part(name))))
            {
                leftOut.AddFile(Part(name) is { Length: > 0 } folder ? $"in {folder}/" : "beside the folders", $"{chosen[0]}/ is taken");
            }
            files = [.. files.Where(name => chosen.Contains(Part(name)))];
            prefix = CommonFolder(files, prefix);
        }
        else if (split == DatasetSplit.Test && files.Length > 0)
        {
            throw SplitNames.NoTest(container.Path, files);
        }
        NoteEmptyFolders(container, images, prefix, leftOut);
        var layout = Classify(container, files, prefix, strict, leftOut, notes);
        string?[] all = [leftOut.Tell(container.Path, layout.Files.Count), .. notes];
        return layout with { Notes = [.. all.OfType<string>()] };
    }

    private static ClassLayout Classify(IContainer container, string[] files, int prefix, bool strict, LeftOut leftOut, List<string> notes)
    {
        if (files.Length == 0)
        {
            return new ClassLayout(files, null, []);
        }
        string[] folders = [.. files.Select(name => FolderMeaning.Top(name[prefix..]))];
        string[] classes = [.. folders.Distinct().Order(StringComparer.Ordinal)];
        bool areShards = classes.Length > 1 && FolderMeaning.AreShards([.. files.Select(name => name[prefix..])]);
        var labelFiles = new LabelFiles(container, files, classes.Length > 1 && !areShards, notes);
        var told = labelFiles.Find();
        foreach (string name in container.Names.Where(name => LabelFiles.MayTellLabels(name) && !labelFiles.Used.Contains(name) && !ImageNames.IsImage(name)))
        {
            leftOut.AddFileByEnding(name, ImageFiles.NoImages);
        }
        if (told is not null)
        {
            notes.Add(told.Texts is null ? $"{told.Source} says that there are no classes." : $"The classes are those of {told.Source}.");
            return told.Texts is null ? new ClassLayout(files, null, []) : WithTold(container.Path, files, told, strict, leftOut);
        }
        if (areShards)
        {
            notes.Add($"The folders {classes[0]}/ to {classes[^1]}/ are taken for shards, not for classes: their file names run on from one to the next.");
            return new ClassLayout(files, null, []);
        }
        if (classes.Length < 2)
        {
            return new ClassLayout(files, null, []);
        }
        if (classes[0] == "")
        {
            throw new DataException($"In {container.Path}, images lie beside class folders: {files[Array.IndexOf(folders, "")]} beside the folder {classes[1]}/. " +
                "Put every image into a class folder, or all into one folder for a set without labels.");
        }
        if (classes.Where(FolderMeaning.IsDoubtful).ToArray() is { Length: > 0 } doubtful)
        {
            notes.Add($"{List(doubtful)} {(doubtful.Length == 1 ? "is taken for a class" : "are taken for classes")}, as {(doubtful.Length == classes.Length
                ? "the folders of a set are" : "the folders beside are")}; to train on one folder alone, give its path.");
        }
        var numbers = classes.Index().ToDictionary(pair => pair.Item, pair => pair.Index);
        return new ClassLayout(files, [.. folders.Select(folder => numbers[folder])], classes);
    }

    private static ClassLayout WithTold(string container, string[] files, ToldLabels told, bool strict, LeftOut leftOut)
    {
        string[] without = [.. files.Where((_, i) => told.Texts![i] is null)];
        if (without.Length > 0 && (strict || without.Length == files.Length))
        {
            throw new DataException($"In {container}, {told.Source} tells no class for {without.Length} of {files.Length} images, such as {without[0]}. " +
                "Add them there, or set data.lenient to true to leave such images out.");
        }
        foreach (string name in without)
        {
            leftOut.AddFileByEnding(name, "without a class");
        }
        var (labels, classNames) = ClassNumbers.Of([.. told.Texts!.OfType<string>()]);
        return new ClassLayout([.. files.Where((_, i) => told.Texts![i] is not null)], labels, classNames);
    }

    // What could not even be listed.
    private static void CheckFaults(IContainer container, bool strict, LeftOut leftOut)
    {
        PassedOver[] faults = [.. container.Listing.PassedOver.Where(item => item.IsFault)];
        if (strict && faults.Length > 0)
        {
            throw new DataException($"In {container.Path}, {string.Join("; ", faults.Take(MostNamed).Select(fault => $"{fault.Name}: {fault.Reason}"))}" +
                $"{(faults.Length > MostNamed ? $"; and {faults.Length - MostNamed} more" : "")}. Repair or remove them, or set data.lenient to true to leave them out.");
        }
        foreach (var item in container.Listing.PassedOver)
        {
            leftOut.AddNamed(item.Name, item.Reason);
        }
    }

    private static void NoteEmptyFolders(IContainer container, string[] images, int prefix, LeftOut leftOut)
    {
        string common = images.Length > 0 ? images[0][..prefix] : "";
        var folders = container.Names.SelectMany(FoldersOf).Concat(container.Listing.Folders).ToHashSet(StringComparer.Ordinal);
        folders.ExceptWith(images.SelectMany(FoldersOf));
        foreach (string folder in folders.Order(StringComparer.Ordinal).Where(folder => common.StartsWith(folder[..(folder.LastIndexOf('/') + 1)], StringComparison.Ordinal)))
        {
            leftOut.AddNamed($"{folder}/", "no image in it");
        }
    }

    private static IEnumerable<string> FoldersOf(string name)
    {
        for (int slash = name.LastIndexOf('/'); slash > 0; slash = name.LastIndexOf('/', slash - 1))
        {
            yield return name[..slash];
        }
    }

    private static string List(string[] folders) =>
        string.Join(", ", folders.Take(MostNamed).Select(folder => $"{folder}/")) + (folders.Length > MostNamed ? $" and {folders.Length - MostNamed} more" : "");

    // The length of the longest "folder/…/" from a given folder on that every name has.
    private static int CommonFolder(string[] files, int prefix)
    {
        while (files.Length > 0 && files[0].IndexOf('/', prefix) is >= 0 and var slash
            && files.All(name => name.StartsWith(files[0][..(slash + 1)], StringComparison.Ordinal)))
        {
            prefix = slash + 1;
        }
        return prefix;
    }
}
