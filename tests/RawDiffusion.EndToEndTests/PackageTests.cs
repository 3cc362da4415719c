using System.IO.Compression;
using System.Xml.Linq;
using RawDiffusion.Testing;

namespace RawDiffusion.EndToEndTests;

/// <summary>The packages that <c>dotnet pack</c> makes of what the tests run on: what is in them, the tool, and a program that is built on the libraries.</summary>
public sealed class PackageTests
{
    private const int MillisecondsToPack = 600_000;

    /// <summary>One packing for all of it, since that takes longer than what follows.</summary>
    [Fact]
    public void PackagesInstallBuildAndTrain()
    {
        string[] folders = (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator);
        Assert.SkipUnless(folders.Any(folder => File.Exists(Path.Combine(folder, "dotnet"))), "there is no dotnet in PATH");
        using var at = new Workspace();
        string configuration = Path.GetFileName(Path.GetDirectoryName(Path.GetDirectoryName(AppContext.BaseDirectory)!)!);
        Dotnet(at, "pack", Path.Combine(SharedFiles.RepositoryRoot, "RawDiffusion.sln"), "--no-build", "-c", configuration, "-o", at.At("packages"));

        var packages = Directory.GetFiles(at.At("packages"), "*.nupkg").Select(ReadDescription).ToDictionary(package => package.Id);
        string[] projects = [.. Directory.GetFiles(Path.Combine(SharedFiles.RepositoryRoot, "src"), "*.csproj", SearchOption.AllDirectories).Select(file => Path.GetFileNameWithoutExtension(file)!)];
        Assert.Equal(projects.Where(name => !name.EndsWith(".Generator", StringComparison.Ordinal)).Order(StringComparer.Ordinal), packages.Keys.Order(StringComparer.Ordinal));
        string version = Assert.Single(packages.Values.Select(package => package.Version).Distinct());
        foreach (var package in packages.Values)
        {
            Assert.Equal("MIT", package.Licence);
            Assert.DoesNotContain(package.Dependencies, name => name.Contains("Generator", StringComparison.Ordinal));
            Assert.Contains("README.md", package.Files);
            Assert.True(File.Exists(at.At("packages", $"{package.Id}.{version}.snupkg")), $"{package.Id} has no symbols");
        }
        Assert.Contains("lib/net10.0/RawDiffusion.Cpu.xml", packages["RawDiffusion.Cpu"].Files);

        WriteFeed(at);
        InstallTheToolAndTrain(at, version);
        BuildAProgramAndTrain(at, version);
    }

    private static void InstallTheToolAndTrain(Workspace at, string version)
    {
        Dotnet(at, "tool", "install", "RawDiffusion.Trainer", "--version", version, "--tool-path", at.At("tool"), "--configfile", at.At("nuget.config"));
        string tool = at.At("tool", OperatingSystem.IsWindows() ? "rawdiffusion.exe" : "rawdiffusion");
        Assert.Contains("gradients                          well", at.StartOther(tool, [], "doctor").WaitForExit().Succeeded().Out);
        at.StartOther(tool, [], ["train", "--out", "run", "--steps", "2", .. Workspace.Tiny]).WaitForExit().Succeeded();
        Assert.True(Directory.Exists(at.At("run", "checkpoints", "step-0000002")));
    }

    private static void BuildAProgramAndTrain(Workspace at, string version)
    {
        string folder = Directory.CreateDirectory(at.At("program")).FullName;
        File.WriteAllText(Path.Combine(folder, "Program.csproj"), $"""
            <Project Sdk="Microsoft.NET.Sdk">
              <PropertyGroup>
                <OutputType>Exe</OutputType>
                <TargetFramework>net10.0</TargetFramework>
                <ImplicitUsings>enable</ImplicitUsings>
              </PropertyGroup>
              <ItemGroup>
                <PackageReference Include="RawDiffusion.Training" Version="{version}" />
                <PackageReference Include="RawDiffusion.Cpu" Version="{version}" />
              </ItemGroup>
            </Project>
            """);
        File.Copy(Path.Combine(SharedFiles.RepositoryRoot, "tests", "RawDiffusion.EndToEndTests", "PackageProgram.cs"), Path.Combine(folder, "PackageProgram.cs"));
        File.WriteAllText(Path.Combine(folder, "Program.cs"), """
            foreach (double loss in RawDiffusion.EndToEndTests.PackageProgram.Run())
            {
                Console.WriteLine($"{loss:R}");
            }
            """);
        Dotnet(at, "build", folder);
        var ran = Dotnet(at, Path.Combine(folder, "bin", "Debug", "net10.0", "Program.dll"));
        Assert.Equal(PackageProgram.Run().Select(loss => $"{loss:R}"), ran.Out.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }

    /// <summary>Packages come from the folder alone; what they depend on was restored for this build and is taken from there.</summary>
    private static void WriteFeed(Workspace at)
    {
        string restored = Environment.GetEnvironmentVariable("NUGET_PACKAGES") is { Length: > 0 } folder ? folder
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".nuget", "packages");
        new XElement("configuration",
            new XElement("packageSources", new XElement("clear"), new XElement("add", new XAttribute("key", "packed"), new XAttribute("value", at.At("packages")))),
            new XElement("fallbackPackageFolders", new XElement("clear"), new XElement("add", new XAttribute("key", "restored"), new XAttribute("value", restored))))
            .Save(at.At("nuget.config"));
    }

    /// <summary>Runs the SDK with a package cache of its own: the machine's would keep a package of this version that an earlier build made.</summary>
    private static Result Dotnet(Workspace at, params string[] arguments)
    {
        Dictionary<string, string> environment = arguments[0] == "pack" ? [] : new() { ["NUGET_PACKAGES"] = at.At("cache") };
        return at.StartOther("dotnet", environment, arguments).WaitForExit(MillisecondsToPack).Succeeded();
    }

    private static Description ReadDescription(string path)
    {
        using var zip = ZipFile.OpenRead(path);
        using var nuspec = zip.Entries.Single(entry => entry.FullName.EndsWith(".nuspec", StringComparison.Ordinal)).Open();
        var elements = XDocument.Load(nuspec).Descendants().ToLookup(element => element.Name.LocalName);
        return new Description(
            elements["id"].Single().Value, elements["version"].Single().Value, elements["license"].Single().Value,
            [.. elements["dependency"].Select(dependency => dependency.Attribute("id")!.Value)], [.. zip.Entries.Select(entry => entry.FullName)]);
    }

    private sealed record Description(string Id, string Version, string Licence, string[] Dependencies, string[] Files);
}
