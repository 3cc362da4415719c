using System.Globalization;
using System.Text.Json.Nodes;

namespace RawDiffusion.EndToEndTests;

public class EvaluateTests(TrainedRun trained)
{
    private static readonly string[] Quick = ["--bits-per-dim", "--count", "3", "--device", "cpu"];

    private string Run => trained.Workspace.At("run");

    [Fact]
    public void TheBoundIsPrintedAndWritten()
    {
        using var at = new Workspace();
        var result = at.Run(["evaluate", Run, "--terms", "--terms-per-image", "20", "--out", "bits.json", "--seed", "4", .. Quick]).Succeeded();
        string[] lines = result.Out.TrimEnd().Split('\n');
        var json = JsonNode.Parse(File.ReadAllText(at.At("bits.json")))!;
        Assert.Equal(("bits_per_dim", "vlb", "fixed_small", "ema", 3, 4, TrainedRun.Steps, 20),
            ((string)json["kind"]!, (string)json["method"]!, (string)json["variance"]!, (string)json["weights"]!, (int)json["images"]!, (int)json["seed"]!,
                (int)json["step"]!, (int)json["terms_per_image"]!));
        Assert.Equal(64, ((string)json["data"]!).Length);
        double value = (double)json["value"]!, error = (double)json["standard_error"]!;
        Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"{value:0.0000} ± {error:0.0000} bits/dim"), lines[0]);
        Assert.InRange(value, 1, 1000);
        var terms = json["terms"]!["L_t"]!.AsArray();
        Assert.Equal(1000, terms.Count);
        Assert.Equal((double)json["terms"]!["L_0"]!, (double)terms[0]!);
        Assert.InRange(terms.Count(term => term is not null), 21, 61);
        // L_0, ten tenths, L_T.
        Assert.Equal(1 + 12, lines.Length);
        Assert.StartsWith("L_0 ", lines[1]);
        Assert.StartsWith("L_T ", lines[^1]);

        // The same again, whatever the threads; other noise with another seed.
        Assert.Equal(lines[0], at.Run(["evaluate", Run, "--terms-per-image", "20", "--seed", "4", "--threads", "1", .. Quick]).Succeeded().Out.TrimEnd());
        Assert.NotEqual(lines[0], at.Run(["evaluate", Run, "--terms-per-image", "20", "--seed", "5", .. Quick]).Succeeded().Out.TrimEnd());
    }

    [Fact]
    public void TheTestPartIsMeantWhereThereIsOne()
    {
        using var at = new Workspace();
        TinyMnist.Write(at, "digits");
        at.Run(["train", "--preset", "mnist", "--data", "digits", "--steps", "2", "--out", "run", .. Workspace.Tiny]).Succeeded();
        string[] evaluate = ["evaluate", "run", "--data", "digits", "--bits-per-dim", "--terms-per-image", "2", "--device", "cpu"];
        Assert.Contains("10 images of", at.Run(evaluate).Succeeded().Error);
        Assert.Contains("50 images of", at.Run([.. evaluate, "--split", "train"]).Succeeded().Error);
        File.Delete(at.At("digits", "t10k-images-idx3-ubyte"));
        Assert.Contains("50 images of", at.Run(evaluate).Succeeded().Error);
        at.Run([.. evaluate, "--split", "test"]).Refused(3, "has no test part");
    }

    [Theory]
    [InlineData("nothing was asked for")]
    [InlineData("it must be vlb", "--bits-per-dim", "--method", "odd")]
    [InlineData("it must be fixed_small or fixed_large", "--bits-per-dim", "--variance", "fixed")]
    [InlineData("it must be from 1 to 10000", "--bits-per-dim", "--count", "10001")]
    [InlineData("from 1 to 999", "--bits-per-dim", "--terms-per-image", "1000")]
    public void NonsenseIsRefusedInWords(string message, params string[] options)
    {
        using var at = new Workspace();
        at.Run(["evaluate", Run, "--device", "cpu", .. options]).Refused(2, message);
    }

    [Fact]
    public void ImagesOfAnotherKindAreRefused()
    {
        using var at = new Workspace();
        TinyMnist.Write(at, "digits");
        at.Run(["evaluate", Run, "--data", "digits", .. Quick]).Refused(3, "images of 32×32", "28×28");
    }
}
