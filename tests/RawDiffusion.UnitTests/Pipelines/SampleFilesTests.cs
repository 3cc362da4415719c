using RawDiffusion.Pipelines;

namespace RawDiffusion.UnitTests.Pipelines;

public class SampleFilesTests
{
    [Theory]
    [InlineData(1, 32, 32, 1000, 1, 1, 2)]
    [InlineData(5, 32, 32, 1000, 5, 3, 2)]
    [InlineData(226, 32, 32, 1000, 226, 16, 1)] // Of 66 pixels 225 fit, of 34 pixels 841.
    [InlineData(70_000, 32, 32, 8192, 57_600, 240, 1)]
    [InlineData(70_000, 1, 1, 8192, 70_000, 265, 28)]
    [InlineData(20, 300, 100, 1000, 20, 7, 1)] // Three rows fit, so that seven columns are needed.
    [InlineData(100, 300, 100, 1000, 27, 9, 1)]
    [InlineData(3, 600, 600, 500, 1, 1, 1)]
    public void AGridShowsTheFirstImagesThatFit(int count, int height, int width, int side, int shown, int columns, int scale)
    {
        var fit = GridFit.Of(count, height, width, side);
        Assert.Equal((shown, columns, scale), (fit.Shown, fit.Style.Columns, fit.Style.Scale));
    }

    [Fact]
    public void AGridThatHasNoRoomIsCutAndTheImagesAreNot()
    {
        using var folder = new TempFolder();
        var images = new SampledImages(new float[5 * 8 * 8], 5, 8, 8, 1, null, []);
        Assert.Equal(4, SampleFiles.WriteGrid(images, folder.At("grid.png"), side: 24));
        SampleFiles.WriteEach(images, folder.Path);
        Assert.Equal(5, Directory.GetFiles(folder.Path, "image-*.png").Length);
        Assert.Equal(["image-00003.png", "image-00004.png"], SampleFiles.Leftovers(folder.Path, 3).Select(Path.GetFileName));
        Assert.Empty(SampleFiles.Leftovers(folder.Path, 5));
    }

    [Theory]
    [InlineData(2_000_000_000, 32, 32, 3, 0, 1L << 40, 699_050)]
    [InlineData(1000, 32, 32, 3, 0, 10L << 20, 568)]
    [InlineData(1000, 32, 32, 3, 12, 10L << 20, 63)]
    public void ImagesThatNoMemoryHoldsAreRefused(long count, int height, int width, int channels, int frames, long memory, long most)
    {
        Assert.Contains($"at most {most:N0} can be", SampleSize.Problem(count, height, width, channels, frames, memory));
        Assert.Null(SampleSize.Problem(most, height, width, channels, frames, memory));
    }
}
