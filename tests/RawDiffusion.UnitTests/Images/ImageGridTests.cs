using RawDiffusion.Images;

namespace RawDiffusion.UnitTests.Images;

public class ImageGridTests
{
    [Fact]
    public void TilesWithGapsAndScale()
    {
        Image[] images = [.. Enumerable.Range(1, 3).Select(i => new Image(1, 2, 1, [(byte)i, (byte)(10 * i)]))];
        var grid = ImageGrid.Tile(images, new GridStyle(Columns: 2, Gap: 1, Scale: 2, Background: 99));
        Assert.Equal((7, 11, 1), (grid.Height, grid.Width, grid.Channels));
        string[] rows = [.. grid.Pixels.Chunk(11).Select(row => string.Join(' ', row))];
        string empty = string.Join(' ', Enumerable.Repeat(99, 11));
        string upper = "99 1 1 10 10 99 2 2 20 20 99", lower = "99 3 3 30 30 99 99 99 99 99 99";
        Assert.Equal([empty, upper, upper, empty, lower, lower, empty], rows);
    }

    [Theory]
    [InlineData(1, 1, 1)]
    [InlineData(4, 2, 2)]
    [InlineData(5, 2, 3)]
    [InlineData(64, 8, 8)]
    public void TheDefaultLayoutIsNearlySquare(int count, int rows, int columns)
    {
        var grid = ImageGrid.Tile([.. Enumerable.Repeat(new Image(3, 5, 3), count)], new GridStyle(Gap: 0));
        Assert.Equal((3 * rows, 5 * columns), (grid.Height, grid.Width));
    }

    [Fact]
    public void SplitsBatches()
    {
        var fromFloats = ImageGrid.Split((ReadOnlySpan<float>)[-1f, 1f, 0f, 2f], 2, 1, 2, 1);
        Assert.Equal([0, 255], fromFloats[0].Pixels);
        Assert.Equal([128, 255], fromFloats[1].Pixels);
        Assert.Equal([3, 4], ImageGrid.Split((ReadOnlySpan<byte>)[1, 2, 3, 4], 2, 2, 1, 1)[1].Pixels);
    }

    [Fact]
    public void RefusesNoneAndMixedSizes()
    {
        Assert.Throws<ArgumentException>(() => ImageGrid.Tile([]));
        Assert.Throws<ArgumentException>(() => ImageGrid.Tile([new Image(1, 1, 1), new Image(1, 2, 1)]));
    }

    [Fact]
    public void AFilmStripHasSamplesDownAndMomentsAcross()
    {
        Image Dot(int value) => new(1, 1, 1, [(byte)value]);
        Image[][] frames = [[Dot(1), Dot(2)], [Dot(3), Dot(4)], [Dot(5), Dot(6)]];
        var strip = FilmStrip.Tile(frames, style: new GridStyle(Gap: 0));
        Assert.Equal((2, 3), (strip.Height, strip.Width));
        Assert.Equal([1, 3, 5, 2, 4, 6], strip.Pixels);
        Assert.Throws<ArgumentException>(() => FilmStrip.Tile([[Dot(1)], []]));
    }

    [Fact]
    public void AFilmStripsLabelsStandAboveItsColumns()
    {
        var frames = Enumerable.Range(0, 3).Select(_ => (IReadOnlyList<Image>)[new Image(20, 20, 3)]).ToArray();
        var plain = FilmStrip.Tile(frames);
        var labelled = FilmStrip.Tile(frames, ["1", "", "too long to fit"]);
        int top = labelled.Height - plain.Height;
        Assert.Equal(plain.Pixels, labelled.Pixels[(top * labelled.Width * 3)..]);
        bool Written(int column) => Enumerable.Range(0, top).Any(y => Enumerable.Range(2 + 22 * column, 20).Any(x => labelled.Pixels[3 * (y * labelled.Width + x)] > 120));
        Assert.Equal([true, false, false], Enumerable.Range(0, 3).Select(Written));
    }
}
