using System.Runtime.CompilerServices;

namespace RawDiffusion.Core;

/// <summary>
/// The extents of a tensor of one to four dimensions, outermost first. Images and activations are [N, H, W, C].
/// </summary>
public readonly struct Shape : IEquatable<Shape>
{
    private readonly Extents _extents;

    /// <summary>A shape with these extents.</summary>
    /// <exception cref="ArgumentException">Not one to four dimensions, or an extent below one.</exception>
    public Shape(params ReadOnlySpan<int> extents)
    {
        if (extents.Length is < 1 or > 4)
        {
            throw new ArgumentException($"a shape has 1 to 4 dimensions, not {extents.Length}");
        }
        Rank = extents.Length;
        Count = 1;
        for (int i = 0; i < Rank; i++)
        {
            if (extents[i] < 1)
            {
                throw new ArgumentException($"dimension {i} of [{string.Join(", ", extents.ToArray())}] is below 1");
            }
            _extents[i] = extents[i];
            Count = checked(Count * extents[i]);
        }
    }

    /// <summary>The number of dimensions.</summary>
    public int Rank { get; }

    /// <summary>The number of elements.</summary>
    public long Count { get; }

    /// <summary>The extent of dimension <paramref name="index"/>; an index from the end (<c>^1</c>) counts from the innermost.</summary>
    public int this[Index index]
    {
        get
        {
            int i = index.GetOffset(Rank);
            return (uint)i < (uint)Rank ? _extents[i] : throw new IndexOutOfRangeException($"{this} has no dimension {index}");
        }
    }

    /// <summary>The outermost extent: the number of samples.</summary>
    public int N => _extents[0];

    /// <summary>The innermost extent: channels.</summary>
    public int C => _extents[Rank - 1];

    /// <summary>The product of the dimensions between the outermost and the innermost: positions, pixels or tokens of a sample.</summary>
    /// <exception cref="OverflowException">There are too many to count in 32 bits.</exception>
    public int Positions => Rank == 1 ? 1 : checked((int)(Count / N / C));

    /// <summary>The product of all dimensions but the innermost: rows of a matrix product.</summary>
    /// <exception cref="OverflowException">There are too many to count in 32 bits.</exception>
    public int Rows => checked((int)(Count / C));

    /// <summary>This shape with another innermost extent.</summary>
    public Shape WithChannels(int channels)
    {
        Span<int> extents = stackalloc int[4];
        CopyTo(extents);
        extents[Rank - 1] = channels;
        return new Shape(extents[..Rank]);
    }

    /// <summary>The extents as an array.</summary>
    public int[] ToArray()
    {
        Span<int> extents = stackalloc int[4];
        CopyTo(extents);
        return extents[..Rank].ToArray();
    }

    /// <inheritdoc/>
    public bool Equals(Shape other) => Rank == other.Rank && ((ReadOnlySpan<int>)_extents)[..Rank].SequenceEqual(((ReadOnlySpan<int>)other._extents)[..Rank]);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is Shape other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Rank, _extents[0], _extents[1], _extents[2], _extents[3]);

    /// <summary>Equal ranks and extents.</summary>
    public static bool operator ==(Shape a, Shape b) => a.Equals(b);

    /// <summary>Different ranks or extents.</summary>
    public static bool operator !=(Shape a, Shape b) => !a.Equals(b);

    /// <summary>The shape as it is written in messages: <c>[8, 32, 32, 3]</c>.</summary>
    public override string ToString() => $"[{string.Join(", ", ToArray())}]";

    private void CopyTo(Span<int> target) => ((ReadOnlySpan<int>)_extents).CopyTo(target);

    [InlineArray(4)]
    private struct Extents
    {
        private int _first;
    }
}
