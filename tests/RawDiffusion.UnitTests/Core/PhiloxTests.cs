using RawDiffusion.Core;

namespace RawDiffusion.UnitTests;

/// <summary>The known-answer vectors that the authors of Philox publish with Random123.</summary>
public class PhiloxTests
{
    [Theory]
    [InlineData(0u, 0u, 0u, 0u, 0ul, 0x6627e8d5u, 0xe169c58du, 0xbc57ac4cu, 0x9b00dbd8u)]
    [InlineData(~0u, ~0u, ~0u, ~0u, ~0ul, 0x408f276du, 0x41c83b0eu, 0xa20bc7c6u, 0x6d5451fdu)]
    [InlineData(0x243f6a88u, 0x85a308d3u, 0x13198a2eu, 0x03707344u, 0x299f31d0a4093822ul, 0xd16cfe09u, 0x94fdcceb, 0x5001e420u, 0x24126ea1u)]
    public void MatchesThePublishedVectors(uint x, uint y, uint z, uint w, ulong key, uint a, uint b, uint c, uint d) =>
        Assert.Equal(new UInt4(a, b, c, d), Philox.Block(new UInt4(x, y, z, w), key));

    [Fact]
    public void UniformCoversTheHalfOpenUnitInterval()
    {
        Assert.Equal(0f, Philox.Uniform(0));
        Assert.Equal(1f - 1f / (1 << 24), Philox.Uniform(uint.MaxValue));
    }
}
