using RawDiffusion.Core;

namespace RawDiffusion.UnitTests;

public class ShapeTests
{
    [Fact]
    public void KnowsItsExtentsFromBothEnds()
    {
        var shape = new Shape(8, 32, 30, 3);
        Assert.Equal((4, 23040L), (shape.Rank, shape.Count));
        Assert.Equal((8, 32, 30, 3), (shape[0], shape[1], shape[2], shape[3]));
        Assert.Equal((3, 30, 32, 8), (shape[^1], shape[^2], shape[^3], shape[^4]));
        Assert.Equal((8, 3, 960, 7680), (shape.N, shape.C, shape.Positions, shape.Rows));
    }

    [Theory]
    [InlineData(new[] { 5 }, 5, 5, 1, 1)]
    [InlineData(new[] { 5, 7 }, 5, 7, 1, 5)]
    [InlineData(new[] { 5, 2, 7 }, 5, 7, 2, 10)]
    public void LowRanksHaveSamplesChannelsPositionsAndRows(int[] extents, int n, int c, int positions, int rows)
    {
        var shape = new Shape(extents);
        Assert.Equal((n, c, positions, rows), (shape.N, shape.C, shape.Positions, shape.Rows));
    }

    [Fact]
    public void EqualExtentsAreEqualShapes()
    {
        Assert.True(new Shape(2, 3) == new Shape(2, 3));
        Assert.True(new Shape(2, 3) != new Shape(3, 2));
        Assert.False(new Shape(2, 3).Equals(new Shape(2, 3, 1)));
        Assert.Equal(new Shape(2, 3).GetHashCode(), new Shape(2, 3).GetHashCode());
        Assert.False(new Shape(2).Equals("[2]"));
    }

    [Fact]
    public void ReplacesItsChannels()
    {
        Assert.Equal(new Shape(2, 5, 5, 9), new Shape(2, 5, 5, 3).WithChannels(9));
        Assert.Equal(new Shape(9), new Shape(3).WithChannels(9));
    }

    [Fact]
    public void IsWrittenAsMessagesShowIt()
    {
        Assert.Equal("[8, 32, 32, 3]", new Shape(8, 32, 32, 3).ToString());
        Assert.Equal([8, 32, 32, 3], new Shape(8, 32, 32, 3).ToArray());
    }

    [Fact]
    public void RefusesExtentsThatNoTensorHas()
    {
        Assert.Contains("dimension 1 of [2, 0]", Assert.Throws<ArgumentException>(() => new Shape(2, 0)).Message);
        Assert.Contains("1 to 4 dimensions, not 5", Assert.Throws<ArgumentException>(() => new Shape(1, 1, 1, 1, 1)).Message);
        Assert.Throws<ArgumentException>(() => new Shape([]));
        Assert.Throws<OverflowException>(() => new Shape(int.MaxValue, int.MaxValue, int.MaxValue, int.MaxValue));
    }

    [Fact]
    public void RowsAndPositionsBeyond32BitsAreRefusedRatherThanCutOff()
    {
        var shape = new Shape(1, 1 << 16, 1 << 16, 2);
        Assert.Equal(1L << 33, shape.Count);
        Assert.Throws<OverflowException>(() => shape.Rows);
        Assert.Throws<OverflowException>(() => shape.Positions);
    }

    [Fact]
    public void RefusesADimensionThatIsNotThere()
    {
        var shape = new Shape(2, 3);
        Assert.Contains("[2, 3] has no dimension 2", Assert.Throws<IndexOutOfRangeException>(() => shape[2]).Message);
        Assert.Throws<IndexOutOfRangeException>(() => shape[^3]);
    }
}
