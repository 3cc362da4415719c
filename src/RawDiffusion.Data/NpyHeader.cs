using System.Buffers.Binary;
using System.Globalization;
using System.Numerics;
using System.Text;
using System.Text.RegularExpressions;
using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>
/// What stands before the elements of an array in NumPy's format: the bytes 93 "NUMPY", a version, the length of a Python dictionary, and
/// that dictionary with the elements' type, their order and the array's extents.
/// </summary>
/// <param name="Type">NumPy's word for the elements, such as <c>|u1</c>.</param>
/// <param name="Shape">The extents, outermost first.</param>
/// <param name="IsFortran">Whether the first extent is the fastest.</param>
/// <param name="Length">Bytes before the elements.</param>
internal sealed partial record NpyHeader(string Type, IReadOnlyList<long> Shape, bool IsFortran, int Length)
{
    /// <summary>The most bytes that a header takes: a few dozen are usual.</summary>
    public const int MaxLength = 1 << 16;

    /// <summary>What every such file begins with.</summary>
    public static ReadOnlySpan<byte> Magic => [0x93, (byte)'N', (byte)'U', (byte)'M', (byte)'P', (byte)'Y'];

    /// <summary>The type and the extents, for messages.</summary>
    public string Text => $"{Type} [{string.Join(", ", Shape)}]";

    /// <summary>Whether the elements are unsigned bytes.</summary>
    public bool IsBytes => Type is "|u1" or "<u1" or ">u1" or "u1" or "uint8";

    /// <summary>Bytes of a whole number; null for elements of another kind.</summary>
    public int? IntegerBytes => IntegerType().Match(Type) is { Success: true } match ? match.ValueSpan[^1] - '0' : null;

    /// <summary>Elements in the array.</summary>
    public BigInteger Count => Shape.Aggregate(BigInteger.One, (product, extent) => product * extent);

    /// <summary>Reads a header.</summary>
    /// <param name="name">For messages.</param>
    /// <param name="file">The file, or its first <see cref="MaxLength"/> bytes.</param>
    /// <exception cref="DataException">It is none, or is damaged.</exception>
    public static NpyHeader Parse(string name, ReadOnlySpan<byte> file)
    {
        if (!file.StartsWith(Magic) || file.Length < 12)
        {
            throw new DataException($"{name} is no array of NumPy: it does not begin with 93 \"NUMPY\" and a version. Save it again with numpy.save or numpy.savez.");
        }
        if (file[6] is < 1 or > 3)
        {
            throw new DataException($"{name} has version {file[6]}.{file[7]} of NumPy's format; known are 1.0 to 3.0. Save it again with numpy.save or numpy.savez.");
        }
        int start = file[6] == 1 ? 10 : 12;
        long end = start + (file[6] == 1 ? BinaryPrimitives.ReadUInt16LittleEndian(file[8..]) : (long)BinaryPrimitives.ReadUInt32LittleEndian(file[8..]));
        if (end > Math.Min(file.Length, MaxLength))
        {
            throw new DataException($"{name} is truncated or damaged: its header is said to take {end} bytes, of which {Math.Min(file.Length, MaxLength)} are there or allowed.");
        }
        string text = Encoding.UTF8.GetString(file[start..(int)end]).Trim();
        var (type, order, shape) = (TypeField().Match(text), OrderField().Match(text), ShapeField().Match(text));
        if (!type.Success || !order.Success || !shape.Success)
        {
            string shown = text.Length <= 120 ? text : text[..120] + "…";
            throw new DataException($"{name} does not describe an array of plain numbers: \"{shown}\". Save one with numpy.save or numpy.savez.");
        }
        string[] extents = shape.Groups[1].Value.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        long[] sizes = [.. extents.Select(extent => long.TryParse(extent.TrimEnd('L'), NumberStyles.None, CultureInfo.InvariantCulture, out long size) ? size : -1)];
        return sizes.All(size => size >= 0)
            ? new NpyHeader(type.Groups[1].Value, sizes, order.Groups[1].Value == "True", (int)end)
            : throw new DataException($"{name} is damaged: its extents are said to be ({shape.Groups[1].Value}). Save it again with numpy.save or numpy.savez.");
    }

    [GeneratedRegex(@"'descr'\s*:\s*'([^']*)'")]
    private static partial Regex TypeField();

    [GeneratedRegex(@"'fortran_order'\s*:\s*(True|False)")]
    private static partial Regex OrderField();

    [GeneratedRegex(@"'shape'\s*:\s*\(([^()]*)\)")]
    private static partial Regex ShapeField();

    // Little-endian, as nearly every machine writes; a single byte has no order.
    [GeneratedRegex(@"^([|<>]?[iu]1|<[iu][248])$")]
    private static partial Regex IntegerType();
}
