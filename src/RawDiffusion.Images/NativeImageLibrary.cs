using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace RawDiffusion.Images;

/// <summary>Finds the system's image libraries under the names that the platforms give them.</summary>
internal static class NativeImageLibrary
{
    public const string Gd = "gd";
    public const string TurboJpeg = "turbojpeg";

    private static readonly Lazy<nint> GdHandle = new(() => Load("libgd.so.3", "libgd.so", "libgd.3.dylib", "libgd.dylib", "libgd.dll"));
    private static readonly Lazy<nint> TurboJpegHandle = new(() =>
        Load("libturbojpeg.so.0", "libturbojpeg.so", "libturbojpeg.0.dylib", "libturbojpeg.dylib", "turbojpeg.dll"));

    public static bool HasGd => GdHandle.Value != 0;

    public static bool HasTurboJpeg => TurboJpegHandle.Value != 0;

    [ModuleInitializer]
    [SuppressMessage("Usage", "CA2255", Justification = "The resolver must be there before the first call, and an assembly takes only one.")]
    internal static void Register() => NativeLibrary.SetDllImportResolver(typeof(NativeImageLibrary).Assembly, Resolve);

    private static nint Resolve(string name, Assembly assembly, DllImportSearchPath? path) => name switch
    {
        Gd => GdHandle.Value,
        TurboJpeg => TurboJpegHandle.Value,
        _ => 0,
    };

    private static nint Load(params ReadOnlySpan<string> names)
    {
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint handle))
            {
                return handle;
            }
        }
        return 0;
    }
}
