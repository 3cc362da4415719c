using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>
/// The endless sequence of images that training sees: in every epoch each image once, in an order of its own. Image and flip at
/// a position are pure functions of the seed and the position, so nothing needs to be stored to go on from there but the position.
/// Batches are cut from the sequence without regard to epochs; a set smaller than a batch so comes more than once in it.
/// </summary>
/// <remarks>
/// An epoch's order is a Feistel network over the smallest square number 4^h of places that holds the set, with Philox as its
/// round function; places beyond the set are walked on from until one inside comes (Black and Rogaway 2002, "Ciphers with arbitrary finite domains").
/// </remarks>
public sealed class SampleOrder
{
    private const int Rounds = 8;
    private const uint OrderPurpose = 0x4F524452, FlipPurpose = 0x464C4950;

    private readonly ulong _seed;
    private readonly int _halfBits = 1;

    /// <param name="count">Images in the set.</param>
    /// <param name="seed">The seed of the run.</param>
    public SampleOrder(int count, ulong seed)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(count);
        (Count, _seed) = (count, seed);
        while (1L << (2 * _halfBits) < count)
        {
            _halfBits++;
        }
    }

    /// <summary>Images in the set.</summary>
    public int Count { get; }

    /// <summary>The epoch that a position lies in, from 0.</summary>
    public long Epoch(long position) => position / Count;

    /// <summary>The image at a position of the sequence.</summary>
    public int Index(long position)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        long epoch = position / Count;
        uint place = (uint)(position % Count);
        do
        {
            place = Permute(place, (ulong)epoch);
        }
        while (place >= Count);
        return (int)place;
    }

    /// <summary>Whether the image at a position is mirrored left to right, where that is wanted: true for every second one, by chance.</summary>
    public bool Flip(long position) => (Philox.Block(new UInt4((uint)position, (uint)(position >> 32), 0, FlipPurpose), _seed).X & 1) != 0;

    private uint Permute(uint place, ulong epoch)
    {
        uint mask = (1u << _halfBits) - 1, left = place >> _halfBits, right = place & mask;
        for (uint round = 0; round < Rounds; round++)
        {
            // A set has fewer than 2^31 images, so half a place has up to 16 bits and shares a word with the round.
            uint noise = Philox.Block(new UInt4(right << 8 | round, (uint)epoch, (uint)(epoch >> 32), OrderPurpose), _seed).X;
            (left, right) = (right, left ^ (noise & mask));
        }
        return left << _halfBits | right;
    }
}
