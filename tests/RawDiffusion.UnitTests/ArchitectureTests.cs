using System.Reflection;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using RawDiffusion.Cases;
using RawDiffusion.Core;

namespace RawDiffusion.UnitTests;

/// <summary>What the layout promises: who may know whom, where an op is found, and how long a file gets.</summary>
public partial class ArchitectureTests
{
    private const int LongestFile = 400;

    /// <summary>What .editorconfig tells editors, which no analyzer checks.</summary>
    private const int LongestLine = 180;

    /// <summary>Which projects each project may reference, and must.</summary>
    private static readonly Dictionary<string, string[]> _references = new()
    {
        ["RawDiffusion.Core"] = [],
        ["RawDiffusion.Cases"] = ["Core"],
        ["RawDiffusion.Cpu"] = ["Core"],
        ["RawDiffusion.Cuda"] = ["Core"],
        ["RawDiffusion.Models"] = ["Core"],
        ["RawDiffusion.Diffusion"] = ["Core"],
        ["RawDiffusion.Storage"] = ["Core"],
        ["RawDiffusion.Images"] = ["Core"],
        ["RawDiffusion.Data"] = ["Core", "Images"],
        ["RawDiffusion.Pipelines"] = ["Core", "Diffusion", "Images", "Models", "Storage"],
        ["RawDiffusion.Training"] = ["Core", "Data", "Diffusion", "Images", "Models", "Pipelines", "Storage"],
        ["RawDiffusion"] = ["Core", "Cpu", "Cuda", "Data", "Diffusion", "Images", "Models", "Pipelines", "Storage", "Training"],
        ["RawDiffusion.Trainer"] = ["", "Cases", "Core", "Cpu", "Cuda", "Data", "Diffusion", "Images", "Models", "Pipelines", "Storage", "Training"],
    };

    /// <summary>Source generators: part of the build, not of the program.</summary>
    private static readonly string[] _generators = ["RawDiffusion.Cpu.Generator"];

    /// <summary>Files under src that may be longer than the others, each with its reason.</summary>
    private static readonly Dictionary<string, string> _longFiles = [];

    private static readonly string _root = FindRoot();

    [Fact]
    public void ProjectsReferenceEachOtherAsTheLayoutSays()
    {
        var projects = Directory.GetDirectories(Path.Combine(_root, "src")).Select(Path.GetFileName).Where(p => File.Exists(ProjectFile(p!))).ToList();
        Assert.NotEmpty(projects);
        foreach (string? project in projects.Where(p => !_generators.Contains(p)))
        {
            Assert.True(_references.ContainsKey(project!), $"src/{project} is no part of the layout: add it to this test, with what it may reference");
            var expected = _references[project!].Select(name => $"RawDiffusion.{name}".TrimEnd('.')).Where(name => projects.Contains(name));
            Assert.Equal(expected, XDocument.Load(ProjectFile(project!)).Descendants("ProjectReference")
                .Where(IsReferencedAtRunTime).Select(ReferencedProject).Order());
        }
    }

    [Fact]
    public void TestsAndBenchmarksAreNotReferencedFromSources() =>
        Assert.All(Directory.GetFiles(Path.Combine(_root, "src"), "*.csproj", SearchOption.AllDirectories),
            file => Assert.DoesNotContain("tests/", File.ReadAllText(file).Replace('\\', '/')));

    [Theory]
    [InlineData("RawDiffusion.Core")]
    [InlineData("RawDiffusion.Cases")]
    [InlineData("RawDiffusion.Models")]
    [InlineData("RawDiffusion.Diffusion")]
    [InlineData("RawDiffusion.Storage")]
    [InlineData("RawDiffusion.Images")]
    [InlineData("RawDiffusion.Data")]
    [InlineData("RawDiffusion.Pipelines")]
    [InlineData("RawDiffusion.Training")]
    public void OnlyTheTrainerNamesADevice(string project)
    {
        foreach (string file in Sources(project))
        {
            Assert.False(DeviceName().IsMatch(WithoutComments(File.ReadAllText(file))), $"{Path.GetRelativePath(_root, file)} names a device");
        }
    }

    [Theory]
    [InlineData("RawDiffusion.Cpu", "RawDiffusion.Cpu.CpuDevice")]
    [InlineData("RawDiffusion.Cuda", "RawDiffusion.Cuda.CudaDevice")]
    public void AnOpIsFoundByItsNameOnEveryDevice(string project, string device)
    {
        if (!File.Exists(ProjectFile(project)))
        {
            Assert.Skip($"there is no {project} yet");
        }
        foreach (var (op, methods) in Ops())
        {
            string folder = Path.Combine(_root, "src", project, "Ops");
            Assert.True(File.Exists(Path.Combine(folder, op + ".cs")), $"{device} has no Ops/{op}.cs");
            foreach (string method in methods)
            {
                Assert.True(Overrides(Path.Combine(folder, op + ".cs"), method), $"{device} does not override {method} in Ops/{op}.cs");
            }
        }
    }

    [Fact]
    public void TheReferenceDefinesAnOpInAFileOfItsName() =>
        Assert.All(Ops(), op => Assert.All(op.Value, method =>
            Assert.True(Overrides(Path.Combine(_root, "tests", "RawDiffusion.Testing", "Reference", op.Key + ".cs"), method), $"{method} is not in Reference/{op.Key}.cs")));

    [Fact]
    public void AnOpSaysOnItsOwnPageWhatItCosts() =>
        Assert.All(Ops(), op => Assert.All(op.Value, method =>
            Assert.True(Overrides(Path.Combine(_root, "src", "RawDiffusion.Core", "Ops", op.Key + ".cs"), method), $"the part of ShapeDevice with {method} is not in Ops/{op.Key}.cs")));

    [Fact]
    public void EveryOpOfTheContractHasItsOwnFile()
    {
        var declared = Ops().Values.SelectMany(methods => methods).ToHashSet();
        string[] memory = [nameof(Device.CopyFromHost), nameof(Device.CopyToHost), nameof(Device.Copy), nameof(Device.Fill), nameof(Device.Synchronize), "AllocateRaw", "FreeRaw"];
        var contract = typeof(Device).GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance)
            .Where(m => m.IsAbstract && !m.IsSpecialName).Select(m => m.Name).Except(memory);
        Assert.Equal(contract.Order(), declared.Order());
    }

    /// <summary>Nobody gets to a device's part of an op but by the method that checks its arguments and marks its outputs.</summary>
    [Fact]
    public void EveryOpOfTheContractIsCalledByAMethodThatChecks() =>
        Assert.All(Ops().Values.SelectMany(methods => methods), core =>
        {
            var checks = typeof(Device).GetMethod(core[..^"Core".Length]);
            Assert.True(checks is { IsVirtual: false }, $"Device has no public method that calls {core}, or a device may override it");
            var implementation = typeof(Device).GetMethod(core, BindingFlags.NonPublic | BindingFlags.Instance);
            Assert.Equal(checks.GetParameters().Select(p => (p.Name, p.ParameterType)), implementation!.GetParameters().Select(p => (p.Name, p.ParameterType)));
        });

    [Fact]
    public void EveryOpHasCases()
    {
        var withCases = OpCases.All.Select(c => c.Op).ToHashSet();
        var forward = Ops().Values.SelectMany(methods => methods).Select(core => core[..^"Core".Length]).Where(m => !m.Contains("Backward"));
        Assert.Empty(forward.Except(withCases));
    }

    [Fact]
    public void FilesStayShort()
    {
        var tooLong = Directory.GetFiles(Path.Combine(_root, "src"), "*.cs", SearchOption.AllDirectories).Where(IsSource)
            .Select(file => (Name: Path.GetRelativePath(_root, file).Replace('\\', '/'), Lines: File.ReadLines(file).Count()))
            .Where(file => file.Lines > LongestFile).ToDictionary(file => file.Name, file => file.Lines);
        Assert.Empty(tooLong.Keys.Except(_longFiles.Keys).Select(name => $"{name} has {tooLong[name]} lines; split it by responsibility"));
        Assert.Empty(_longFiles.Keys.Except(tooLong.Keys).Select(name => $"{name} is short by now; take it off the list"));
    }

    [Fact]
    public void LinesStayShort()
    {
        Assert.Contains($"max_line_length = {LongestLine}", File.ReadLines(Path.Combine(_root, ".editorconfig")));
        Assert.Empty(Directory.GetFiles(Path.Combine(_root, "src"), "*.cs", SearchOption.AllDirectories).Where(IsSource)
            .SelectMany(file => File.ReadLines(file).Index().Where(line => line.Item.Length > LongestLine)
                .Select(line => $"{Path.GetRelativePath(_root, file)}:{line.Index + 1} has {line.Item.Length} characters; break it at {LongestLine} or before")));
    }

    /// <summary>
    /// Folders of a project are rooms that know each other in one direction only. What names what is read from the text: a word that a file of
    /// another room declares as a type, and that is no member's name in the file that has it.
    /// </summary>
    [Fact]
    public void FoldersOfAProjectFormNoCircle()
    {
        foreach (string project in _references.Keys)
        {
            var texts = Sources(project).ToDictionary(file => file, file => WithoutComments(File.ReadAllText(file)));
            var homes = texts.SelectMany(file => TypeDeclaration().Matches(file.Value).Select(match => (Type: match.Groups[1].Value, Room: Room(file.Key))))
                .ToLookup(type => type.Type, type => type.Room);
            var known = new Dictionary<string, HashSet<string>>();
            foreach (var (file, text) in texts)
            {
                var members = MemberName().Matches(text).Select(match => match.Groups[1].Value).ToHashSet();
                foreach (string word in Word().Matches(text).Select(match => match.Value).Distinct().Where(word => !members.Contains(word)))
                {
                    // A type in several rooms (the tape, the device) belongs to all of them.
                    if (homes[word].Distinct().ToList() is [var home] && home != Room(file))
                    {
                        known.TryAdd(Room(file), []);
                        known[Room(file)].Add(home);
                    }
                }
            }
            if (Circle(known) is { } circle)
            {
                Assert.Fail($"the folders of {project} know each other in a circle: {string.Join(" → ", circle)}");
            }
        }

        static string Room(string file) => Path.GetDirectoryName(Path.GetRelativePath(Path.Combine(_root, "src"), file))!;
    }

    /// <summary>A way from a room back to itself, or null.</summary>
    private static List<string>? Circle(Dictionary<string, HashSet<string>> known)
    {
        var done = new HashSet<string>();
        var way = new List<string>();
        return known.Keys.Select(Follow).FirstOrDefault(circle => circle is not null);

        List<string>? Follow(string room)
        {
            if (way.IndexOf(room) is >= 0 and var start)
            {
                return [.. way[start..], room];
            }
            if (!done.Add(room))
            {
                return null;
            }
            way.Add(room);
            var circle = known.GetValueOrDefault(room, []).Order(StringComparer.Ordinal).Select(Follow).FirstOrDefault(found => found is not null);
            way.RemoveAt(way.Count - 1);
            return circle;
        }
    }

    /// <summary>The contract: each file of Core's Ops that declares methods of the device, with their names.</summary>
    private static Dictionary<string, string[]> Ops() =>
        Directory.GetFiles(Path.Combine(_root, "src", "RawDiffusion.Core", "Ops"), "*.cs")
            .Select(file => (Name: Path.GetFileNameWithoutExtension(file), Methods: AbstractMethod().Matches(File.ReadAllText(file)).Select(m => m.Groups[1].Value).ToArray()))
            .Where(op => op.Methods.Length > 0).ToDictionary(op => op.Name, op => op.Methods);

    private static bool Overrides(string file, string method) =>
        File.Exists(file) && Regex.IsMatch(File.ReadAllText(file), $@"protected override (unsafe )?void {method}\(");

    private static IEnumerable<string> Sources(string project) =>
        Directory.GetFiles(Path.Combine(_root, "src", project), "*.cs", SearchOption.AllDirectories).Where(IsSource);

    private static bool IsSource(string file) =>
        !Path.GetRelativePath(_root, file).Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj") && !file.EndsWith(".g.cs", StringComparison.Ordinal);

    private static string ProjectFile(string project) => Path.Combine(_root, "src", project, project + ".csproj");

    private static bool IsReferencedAtRunTime(XElement reference) => reference.Attribute("ReferenceOutputAssembly")?.Value != "false";

    private static string ReferencedProject(XElement reference) => Path.GetFileNameWithoutExtension(reference.Attribute("Include")!.Value.Replace('\\', '/'));

    /// <summary>Comments and strings may speak of devices; code may not.</summary>
    private static string WithoutComments(string source) => StringOrComment().Replace(source, "");

    private static string FindRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "RawDiffusion.sln")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName ?? throw new DirectoryNotFoundException($"there is no RawDiffusion.sln above {AppContext.BaseDirectory}");
    }

    [GeneratedRegex(@"\b(RawDiffusion\.(Cpu|Cuda)|Cpu[A-Z]\w*|Cuda[A-Z]\w*|Cpu|Cuda)\b")]
    private static partial Regex DeviceName();

    [GeneratedRegex("""//.*|"(\\.|[^"\\\n])*"|/\*[\s\S]*?\*/""")]
    private static partial Regex StringOrComment();

    [GeneratedRegex(@"^(?:public|internal) (?:(?:abstract|sealed|static|readonly|partial|ref|unsafe) )*(?:class|enum|record struct|record|struct|interface|delegate [^(]+?) (\w+)", RegexOptions.Multiline)]
    private static partial Regex TypeDeclaration();

    [GeneratedRegex(@"[\w>\])?] (\w+) (?:\{ (?:get|init|set)|=>|=)")]
    private static partial Regex MemberName();

    [GeneratedRegex(@"(?<![.\w])[A-Z]\w*")]
    private static partial Regex Word();

    [GeneratedRegex(@"protected abstract void (\w+)\(")]
    private static partial Regex AbstractMethod();
}
