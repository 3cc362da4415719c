using RawDiffusion.Images;

namespace RawDiffusion.EndToEndTests;

/// <summary>The programs under examples/, as a reader runs them, but for few steps.</summary>
public class ExampleTests
{
    [Fact]
    public void AModelIsTrainedDrawnFromSavedAndOpenedByTheExecutable()
    {
        using var at = new Workspace();
        var result = at.RunExample("TrainAndSample", "shapes", "2", at.Folder).Succeeded();
        Assert.Equal(["step 1", "step 2"], result.Out.TrimEnd().Split('\n').Select(line => line.Split(':')[0]));
        // Four by four images of 32×32, enlarged to 64×64, with two pixels between and around them.
        Assert.Equal((4 * 64 + 5 * 2, 3), (Grid(at.At("grid.png")).Height, Grid(at.At("grid.png")).Channels));
        at.Run("sample", "model", "--out", "again.png", "--count", "1", "--steps", "2").Succeeded();
        Assert.True(File.Exists(at.At("again.png")));
    }

    [Fact]
    public void AnObjectiveAndASamplerOfOnesOwnNeedNothingOfTheLibraryChanged()
    {
        using var at = new Workspace();
        var result = at.RunExample("CustomObjective", "2", at.At("flow.png")).Succeeded();
        Assert.StartsWith("step 1: velocity ", result.Out);
        Assert.Equal(3, Grid(at.At("flow.png")).Channels);
    }

    private static Image Grid(string path) => ImageDecoder.Default.Decode(File.ReadAllBytes(path));
}
