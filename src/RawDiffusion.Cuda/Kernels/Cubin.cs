using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace RawDiffusion.Cuda;

/// <summary>Machine code for a GPU as the compiler makes it: an ELF file, 64 bits, little-endian.</summary>
internal static class Cubin
{
    private const int SymbolTable = 2, Function = 2, Entry = 0x10;

    private static ReadOnlySpan<byte> Magic => "\u007FELF"u8;

    /// <summary>The kernels, in the symbol table's order; none for bytes that are no ELF file.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The file is damaged.</exception>
    public static IReadOnlyList<string> KernelsOf(ReadOnlySpan<byte> image)
    {
        var kernels = new List<string>();
        if (image.Length < Unsafe.SizeOf<Header>() || !image.StartsWith(Magic))
        {
            return kernels;
        }
        var header = MemoryMarshal.Read<Header>(image);
        var sections = Table<Section>(image, header.Sections, header.SectionCount);
        foreach (var section in sections)
        {
            if (section.Type != SymbolTable)
            {
                continue;
            }
            var names = image[checked((int)sections[(int)section.Link].Offset)..];
            foreach (var symbol in Table<Symbol>(image, section.Offset, section.Bytes / (ulong)Unsafe.SizeOf<Symbol>()))
            {
                if ((symbol.Info & 0xF) == Function && (symbol.Other & Entry) != 0)
                {
                    var name = names[(int)symbol.Name..];
                    kernels.Add(Encoding.UTF8.GetString(name[..name.IndexOf((byte)0)]));
                }
            }
        }
        return kernels;
    }

    private static ReadOnlySpan<T> Table<T>(ReadOnlySpan<byte> image, ulong offset, ulong count) where T : unmanaged =>
        MemoryMarshal.Cast<byte, T>(image.Slice(checked((int)offset), checked((int)count * Unsafe.SizeOf<T>())));

    // Elf64_Ehdr, Elf64_Shdr and Elf64_Sym, field by field as far as they are read.
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private readonly struct Header
    {
        [FieldOffset(40)]
        public readonly ulong Sections;

        [FieldOffset(60)]
        public readonly ushort SectionCount;
    }

    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private readonly struct Section
    {
        [FieldOffset(4)]
        public readonly int Type;

        [FieldOffset(24)]
        public readonly ulong Offset;

        [FieldOffset(32)]
        public readonly ulong Bytes;

        [FieldOffset(40)]
        public readonly uint Link;
    }

    [StructLayout(LayoutKind.Explicit, Size = 24)]
    private readonly struct Symbol
    {
        [FieldOffset(0)]
        public readonly uint Name;

        [FieldOffset(4)]
        public readonly byte Info;

        [FieldOffset(5)]
        public readonly byte Other;
    }
}
