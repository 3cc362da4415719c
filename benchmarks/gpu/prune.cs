// Makes a folder of self-contained programs smaller: takes out the assemblies of the framework from which no program needs a type, not even by
// way of others, what is for debuggers and for people who read the code, and what the programs' lists of files then say too much.
//   dotnet run benchmarks/gpu/prune.cs -- FOLDER PROGRAM…
using System.Reflection.Metadata;
using System.Reflection.PortableExecutable;
using System.Text.Json.Nodes;

string folder = args[0];
string[] programs = args[1..];
// Nothing there reads a JPEG, and PNG needs no native library.
string[] others = ["*.pdb", "*.xml", "libSkiaSharp.so", "createdump", "libmscordaccore.so", "libmscordbi.so", "libclrgc.so", "libclrgcexp.so", "libcoreclrtraceptprovider.so"];
var needed = Needed.Of(folder, [.. programs, "System.Private.CoreLib"]);
foreach (string path in Directory.GetFiles(folder, "*.dll").Where(path => !needed.Contains(Path.GetFileNameWithoutExtension(path))).Concat(others.SelectMany(name => Directory.GetFiles(folder, name))))
{
    File.Delete(path);
}
foreach (string path in programs.Select(program => Path.Combine(folder, program + ".deps.json")))
{
    // The host refuses to start a program one of whose files is not there.
    var dependencies = JsonNode.Parse(File.ReadAllText(path))!;
    foreach (var library in dependencies["targets"]!.AsObject().SelectMany(target => target.Value!.AsObject()))
    {
        foreach (string kind in (string[])["runtime", "native"])
        {
            var files = library.Value![kind]?.AsObject();
            foreach (string file in files?.Select(f => f.Key).Where(f => !File.Exists(Path.Combine(folder, Path.GetFileName(f)))).ToArray() ?? [])
            {
                files!.Remove(file);
            }
        }
    }
    File.WriteAllText(path, dependencies.ToJsonString());
}

/// <summary>Which assemblies programs need.</summary>
internal sealed class Needed(string folder)
{
    private readonly Dictionary<string, MetadataReader?> _readers = [];
    private readonly Dictionary<string, Dictionary<(string Namespace, string Name), string>> _forwarders = [];
    private readonly HashSet<string> _needed = [];
    private readonly Queue<string> _open = [];

    /// <summary>The programs and every assembly that holds a type which one of them refers to, or which forwards it.</summary>
    public static IReadOnlySet<string> Of(string folder, IEnumerable<string> programs)
    {
        var search = new Needed(folder);
        foreach (string program in programs)
        {
            search.Add(program);
        }
        while (search._open.TryDequeue(out string? assembly))
        {
            search.AddReferences(assembly);
        }
        return search._needed;
    }

    private void Add(string assembly)
    {
        if (_needed.Add(assembly))
        {
            _open.Enqueue(assembly);
        }
    }

    // By types, not by assemblies: netstandard.dll names the whole framework, and whoever was built against it needs little of that.
    private void AddReferences(string assembly)
    {
        if (Reader(assembly) is not { } reader)
        {
            return;
        }
        foreach (var type in reader.TypeReferences.Select(reader.GetTypeReference).Where(type => type.ResolutionScope.Kind == HandleKind.AssemblyReference))
        {
            var key = (reader.GetString(type.Namespace), reader.GetString(type.Name));
            string? holder = Name(reader, type.ResolutionScope);
            do
            {
                Add(holder);
            }
            while (Forwarders(holder).TryGetValue(key, out holder));
        }
    }

    private Dictionary<(string Namespace, string Name), string> Forwarders(string assembly)
    {
        if (!_forwarders.TryGetValue(assembly, out var forwarders))
        {
            _forwarders[assembly] = forwarders = [];
            if (Reader(assembly) is { } reader)
            {
                foreach (var type in reader.ExportedTypes.Select(reader.GetExportedType).Where(type => type.Implementation.Kind == HandleKind.AssemblyReference))
                {
                    forwarders[(reader.GetString(type.Namespace), reader.GetString(type.Name))] = Name(reader, type.Implementation);
                }
            }
        }
        return forwarders;
    }

    private MetadataReader? Reader(string assembly)
    {
        if (!_readers.TryGetValue(assembly, out var reader))
        {
            string path = Path.Combine(folder, assembly + ".dll");
            _readers[assembly] = reader = File.Exists(path) ? new PEReader(File.OpenRead(path)).GetMetadataReader() : null;
        }
        return reader;
    }

    private static string Name(MetadataReader reader, EntityHandle handle) => reader.GetString(reader.GetAssemblyReference((AssemblyReferenceHandle)handle).Name);
}
