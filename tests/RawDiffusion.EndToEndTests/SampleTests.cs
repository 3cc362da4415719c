using System.IO.Compression;
using System.Text;
using RawDiffusion.Images;
using RawDiffusion.Storage;
using RawDiffusion.Testing;

namespace RawDiffusion.EndToEndTests;

public class SampleTests(TrainedRun trained)
{
    private string Run => trained.Workspace.At("run");

    private static Image Png(string path) => ImageDecoder.Default.Decode(File.ReadAllBytes(path));

    [Fact]
    public void TheDefaultIsTheRunsOwnPicture()
    {
        using var at = new Workspace();
        var result = at.Run("sample", Run, "--out", "grid.png").Succeeded();
        Assert.Equal(at.At("grid.png"), Path.Combine(at.Folder, result.Out.TrimEnd()));
        Assert.Equal(Png(trained.Workspace.At("run", "samples", "step-0000040.png")).Pixels, Png(at.At("grid.png")).Pixels);
    }

    [Fact]
    public void AnImageHangsOnTheSeedAndItsNumberAlone()
    {
        using var at = new Workspace();
        at.Run("sample", Run, "--out", "few", "--count", "2").Succeeded();
        at.Run("sample", Run, "--out", "more", "--count", "5").Succeeded();
        at.Run("sample", Run, "--out", "other", "--count", "1", "--seed", "1").Succeeded();
        Assert.Equal(["grid.png", "image-00000.png", "image-00001.png"], Directory.GetFiles(at.At("few")).Select(Path.GetFileName).Order());
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(Png(at.At("few", $"image-0000{i}.png")).Pixels, Png(at.At("more", $"image-0000{i}.png")).Pixels);
        }
        Assert.NotEqual(Png(at.At("few", "image-00000.png")).Pixels, Png(at.At("other", "image-00000.png")).Pixels);
    }

    /// <summary>A model of 3 image channels that answers 6: its network runs whole, and it is not drawn from as if its variance were fixed.</summary>
    [Fact]
    public void ALearnedVarianceIsPredictedWholeAndRefusedByName()
    {
        string? model = SharedFiles.Find("cases/hub-learned-range");
        Assert.SkipWhen(model is null, SharedFiles.Missing);
        using var at = new Workspace();
        at.Run("sample", model!, "--out", "s.npz", "--count", "2", "--steps", "2").Refused(2, "learned_range", "6 channels for images of 3");
        float[] sample = [.. Enumerable.Range(0, 2 * 3 * 16 * 16).Select(i => MathF.Sin(i))];
        using (var file = File.Create(at.At("in.safetensors")))
        {
            SafetensorsWriter.Write(file, [TensorSource.Floats("sample", [2, 3, 16, 16], (ReadOnlyMemory<float>)sample), TensorSource.Int64("timestep", [2], new long[] { 3, 900 })]);
        }
        at.Run("predict", model!, "--input", "in.safetensors", "--output", "out.safetensors").Succeeded();
        using var output = SafetensorsReader.Open(at.At("out.safetensors"));
        Assert.Equal([2, 6, 16, 16], output.Entry("output").Shape);
        Assert.All(output.ReadFloats("output"), value => Assert.True(float.IsFinite(value)));
        at.Run("export", model!, "--out", "exported").Succeeded();
        Assert.Contains("learned_range", File.ReadAllText(at.At("exported", "scheduler", "scheduler_config.json")));
    }

    [Fact]
    public void OptionsChangeWhatIsDrawn()
    {
        using var at = new Workspace();
        string[][] variants =
        [
            [], ["--sampler", "ddpm"], ["--sampler", "ddpm", "--variance", "fixed_small"], ["--sampler", "ddim"], ["--sampler", "plms"], ["--steps", "5"], ["--sampler", "ddim", "--eta", "1"],
            ["--spacing", "leading"], ["--sampler", "ddpm", "--clip", "off"], ["--clip", "0.5"], ["--class", "3"], ["--guidance", "4"], ["--weights", "raw"],
        ];
        string[] images = variants.Select((options, i) =>
        {
            at.Run(["sample", Run, "--count", "1", "--out", $"{i}.png", .. options]).Succeeded();
            return Convert.ToHexString(Png(at.At($"{i}.png")).Pixels);
        }).ToArray();
        Assert.Equal(variants.Length, images.Distinct().Count());
    }

    /// <summary>What is said anyhow changes nothing: the defaults by name, a class by name or number, threads.</summary>
    [Fact]
    public void OptionsThatSayTheSameDrawTheSame()
    {
        using var at = new Workspace();
        string[][][] pairs =
        [
            [[], ["--sampler", "dpmpp_2m", "--spacing", "linspace", "--clip", "1", "--threads", "1"]],
            [["--sampler", "ddim"], ["--sampler", "ddim", "--spacing", "trailing", "--eta", "0"]],
            [["--sampler", "ddpm"], ["--sampler", "ddpm", "--variance", "auto", "--spacing", "linspace"]],
            [["--sampler", "ddpm"], ["--sampler", "ddpm", "--variance", "fixed_large"]],
            [["--class", "2"], ["--class", "triangle"]],
        ];
        foreach (string[][] pair in pairs)
        {
            byte[][] images = [.. pair.Select((options, i) =>
            {
                at.Run(["sample", Run, "--count", "2", "--out", $"{i}.png", .. options]).Succeeded();
                return Png(at.At($"{i}.png")).Pixels;
            })];
            Assert.Equal(images[0], images[1]);
        }
    }

    /// <summary>Nothing that is there is written over, and another seed is another name.</summary>
    [Fact]
    public void WithoutAPlaceImagesGoIntoTheRunsOwnFolder()
    {
        using var at = new Workspace();
        at.Train("run", 1).Succeeded();
        string[][] options = [[], [], ["--seed", "7", "--format", "npz"], ["--trajectory"]];
        string[] names = [.. options.Select(more => string.Join(' ', at.Run(["sample", "run", "--count", "1", .. more]).Succeeded().Out.TrimEnd().Split('\n').Select(path => Path.GetFileName(path))))];
        Assert.Equal(["sample-seed0.png", "sample-seed0-2.png", "sample-seed7.npz", "sample-seed0-3.png sample-seed0-3-trajectory.png"], names);
        Assert.Equal(
            ["sample-seed0-2.png", "sample-seed0-3-trajectory.png", "sample-seed0-3.png", "sample-seed0.png", "sample-seed7.npz", "step-0000001.png"],
            Directory.GetFiles(at.At("run", "samples")).Select(Path.GetFileName).Order(StringComparer.Ordinal));
        at.Run("sample", Path.Combine("run", "checkpoints", "step-0000001"), "--count", "1").Refused(2, "is no run folder", "--out PATH");
        at.Run("export", "run", "--out", "exported").Succeeded();
        at.Run("sample", "exported", "--count", "1").Refused(2, "exported is no run folder", "--out PATH");
        at.Run("sample", "nowhere").Refused(2, "nowhere does not exist");
    }

    [Fact]
    public void WhichNumberIsWhichClassIsSaid()
    {
        const string classes = "the classes 0 circle, 1 square, 2 triangle, 3 star, 4 ring, 5 cross, 6 heart, 7 moon";
        Assert.Contains($"labels: {classes}", trained.Training.Error);
        using var at = new Workspace();
        string said = at.Run("sample", Run, "--out", "x.png", "--count", "1", "--class", "star", "--guidance", "3", "--steps", "5").Succeeded().Error;
        Assert.Contains($"of {classes}; drawn: 3 star", said);
        Assert.Contains("dpmpp_2m with 5 steps (10 network evaluations an image), seed 0", said);
        Assert.Contains($"of {classes} in turn", at.Run("sample", Run, "--out", "x.png", "--count", "1", "--guidance", "1", "--steps", "5").Succeeded().Error);
    }

    /// <summary>Folders 0 … 11 are sorted as words, so 2 is not the class of number 2: a name that is a number counts as a name.</summary>
    [Fact]
    public void ANumberThatIsAClassesNameIsThatClass()
    {
        string? data = SharedFiles.Find(Path.Combine("cases", "numeric-classes"));
        Assert.SkipWhen(data is null, SharedFiles.Missing);
        using var at = new Workspace();
        string said = at.Run(["train", "--out", "run", "--data", data!, "--conditional", "--steps", "1", "--device", "cpu", .. Workspace.Tiny]).Succeeded().Error;
        int number = Array.IndexOf(["0", "1", "10", "11", "2"], "2");
        Assert.Contains("0 0, 1 1, 2 10, 3 11, 4 2,", said);
        at.Run("sample", "run", "--class", "2", "--count", "3", "--out", "x.npz").Succeeded();
        using var zip = ZipFile.OpenRead(at.At("x.npz"));
        using var labels = new BinaryReader(zip.GetEntry("arr_1.npy")!.Open());
        byte[] bytes = labels.ReadBytes(4096);
        Assert.Equal([number, number, number], Enumerable.Range(0, 3).Select(i => (int)BitConverter.ToInt64(bytes, bytes.Length - 24 + 8 * i)));
    }

    /// <summary>The posterior's mean as prediction, and PLMS as the run's own sampler: trained and drawn with from the command line alone.</summary>
    [Fact]
    public void MeansArePredictedAndPlmsDrawsThem()
    {
        using var at = new Workspace();
        at.Train("run", 4, "--set", "diffusion.prediction=mu", "--set", "sampling.sampler=plms", "--set", "sampling.spacing=linspace", "--set", "sampling.clip=2").Succeeded();
        string config = File.ReadAllText(at.At("run", "config.json"));
        Assert.Contains("\"prediction\": \"mu\"", config);
        Assert.Contains("\"spacing\": \"linspace\"", config);
        Assert.Contains("\"clip\": 2", config);
        at.Run("sample", "run", "--out", "own.png").Succeeded();
        at.Run("sample", "run", "--out", "same.png", "--sampler", "plms", "--spacing", "linspace", "--clip", "2").Succeeded();
        at.Run("sample", "run", "--out", "other.png", "--sampler", "dpmpp_2m").Succeeded();
        Assert.Equal(Png(at.At("run", "samples", "step-0000004.png")).Pixels, Png(at.At("own.png")).Pixels);
        Assert.Equal(Png(at.At("own.png")).Pixels, Png(at.At("same.png")).Pixels);
        Assert.NotEqual(Png(at.At("own.png")).Pixels, Png(at.At("other.png")).Pixels);
    }

    [Fact]
    public void WhatTheSamplerDoesNotUseIsRefused()
    {
        using var at = new Workspace();
        at.Run("sample", Run, "--out", "x.png", "--sampler", "ddpm", "--eta", "1").Refused(2, "--eta was given, but ddpm does not use it: it is for ddim");
        at.Run("sample", Run, "--out", "x.png", "--sampler", "dpmpp_2m", "--eta", "0").Refused(2, "--eta was given, but dpmpp_2m does not use it");
        at.Run("sample", Run, "--out", "x.png", "--sampler", "plms", "--variance", "fixed_small").Refused(2, "--variance was given, but plms does not use it: it is for ddpm");
        at.Run("sample", Run, "--out", "x.png", "--variance", "auto").Refused(2, "--variance was given, but dpmpp_2m does not use it");
        at.Run("sample", Run, "--out", "x.png", "--sampler", "ddpm", "--variance", "learned").Refused(2, "learned needs a network that predicts its variance");
        at.Run("sample", Run, "--out", "x.png", "--sampler", "ddpm", "--variance", "fixed").Refused(2, "--variance is 'fixed'", "fixed_small, fixed_large");
        at.Run("sample", Run, "--out", "x.png", "--spacing", "linspaced", "--clip", "0", "--class", "stair").Refused(2, "did you mean linspace?", "--clip is '0'", "did you mean star?");
        at.Run("sample", Run, "--out", "x.png", "--clip", "dynamic").Refused(2, "--clip is 'dynamic'; it must be a number above 0, or off");
        at.Run("sample", Run, "--out", "x.png", "--threads", "-1").Refused(2, "device.threads is -1");
        Assert.Empty(at.Contents());
    }

    [Fact]
    public void NpzHoldsBytesAndLabels()
    {
        using var at = new Workspace();
        at.Run("sample", Run, "--out", "s.npz", "--count", "3").Succeeded();
        using var zip = ZipFile.OpenRead(at.At("s.npz"));
        Assert.Equal(["arr_0.npy", "arr_1.npy"], zip.Entries.Select(entry => entry.FullName));
        byte[] images = Read(zip.Entries[0]), labels = Read(zip.Entries[1]);
        Assert.Contains("{'descr': '|u1', 'fortran_order': False, 'shape': (3, 32, 32, 3), }", Encoding.Latin1.GetString(images));
        Assert.Equal(3 * 32 * 32 * 3, images.Length - Offset(images));
        Assert.Contains("'shape': (3,), }", Encoding.Latin1.GetString(labels));
        Assert.Equal([0, 1, 2], Enumerable.Range(0, 3).Select(i => BitConverter.ToInt64(labels, Offset(labels) + 8 * i)));

        at.Run("sample", Run, "--out", "folder", "--count", "3").Succeeded();
        Assert.Equal(Png(at.At("folder", "image-00001.png")).Pixels, images.AsSpan(Offset(images) + 3072, 3072).ToArray());

        static byte[] Read(ZipArchiveEntry entry)
        {
            using var stream = entry.Open();
            using var memory = new MemoryStream();
            stream.CopyTo(memory);
            return memory.ToArray();
        }

        static int Offset(byte[] npy)
        {
            int offset = 10 + BitConverter.ToUInt16(npy, 8);
            Assert.Equal(0, offset % 64);
            return offset;
        }
    }

    [Fact]
    public void TheTrajectoryIsAFilmStrip()
    {
        using var at = new Workspace();
        string[] written = at.Run("sample", Run, "--out", "s.png", "--count", "2", "--steps", "4", "--trajectory").Succeeded().Out.TrimEnd().Split('\n');
        Assert.Equal(["s.png", "s-trajectory.png"], written.Select(Path.GetFileName));
        var strip = Png(at.At("s-trajectory.png"));
        Assert.Equal((2 * 66 + 2, 5 * 66 + 2), (strip.Height, strip.Width));
    }

    [Fact]
    public void AnExportedModelIsTheSameModel()
    {
        using var at = new Workspace();
        at.Run("export", Run, "--out", "exported").Succeeded();
        Assert.True(File.Exists(at.At("exported", "model_index.json")) && File.Exists(at.At("exported", "scheduler", "scheduler_config.json")) && File.Exists(at.At("exported", "unet", "config.json")));
        var random = new Random(1);
        float[] sample = [.. Enumerable.Range(0, 2 * 3 * 32 * 32).Select(_ => (float)random.NextDouble() - 0.5f)];
        using (var file = File.Create(at.At("in.safetensors")))
        {
            SafetensorsWriter.Write(file,
            [
                TensorSource.Floats("sample", [2, 3, 32, 32], (ReadOnlyMemory<float>)sample), TensorSource.Int64("timestep", [2], new long[] { 0, 999 }),
                TensorSource.Int64("class_labels", [2], new long[] { 7, 8 }),
            ]);
        }
        at.Run("predict", Run, "--input", "in.safetensors", "--output", "a.safetensors").Succeeded();
        at.Run("predict", "exported", "--input", "in.safetensors", "--output", "b.safetensors").Succeeded();
        using var a = SafetensorsReader.Open(at.At("a.safetensors"));
        using var b = SafetensorsReader.Open(at.At("b.safetensors"));
        Assert.Equal([2, 3, 32, 32], a.Entry("output").Shape);
        Assert.Equal(a.ReadFloats("output"), b.ReadFloats("output"));
        at.Run("export", Run, "--out", "exported").Refused(2, "exported");
        at.Run(["train", "--out", "finetuned", "--steps", "1", "--set", "network.start_from=exported", .. Workspace.Tiny]).Succeeded();
    }

    [Theory]
    [InlineData("unet-cifar-style")]
    [InlineData("unet-class-multihead")]
    public void PredictAgreesWithTheReferenceSystem(string name)
    {
        if (SharedFiles.Find(Path.Combine("reference", name)) is not { } model)
        {
            Assert.Skip(SharedFiles.Missing);
            return;
        }
        using var at = new Workspace();
        string input = Path.Combine(model, "forward_backward.safetensors");
        at.Run("predict", model, "--input", input, "--output", "out.safetensors").Succeeded();
        using var expected = SafetensorsReader.Open(input);
        using var actual = SafetensorsReader.Open(at.At("out.safetensors"));
        Assert.Equal(expected.Entry("output").Shape, actual.Entry("output").Shape);
        float[] e = expected.ReadFloats("output"), a = actual.ReadFloats("output");
        double scale = e.Max(Math.Abs), error = e.Zip(a, (x, y) => Math.Abs(x - y)).Max();
        Assert.True(error < 2e-4 * scale, $"the largest error is {error}, of values up to {scale}");
    }

    [Fact]
    public void WhatDoesNotFitTheModelIsRefused()
    {
        using var at = new Workspace();
        at.Run("sample", Run, "--out", "x.png", "--class", "8").Refused(2, "--class is '8'", "the classes 0 circle");
        at.Run("sample", Run, "--out", "x.png", "--sampler", "dim", "--steps", "1001", "--count", "0", "--eta", "-1").Refused(2, "did you mean ddim?", "sampling.steps is 1001", "sampling.count is 0", "sampling.eta is -1");
        at.Run("sample", Run, "--out", "x.png", "--weights", "mean").Refused(2, "ema or raw");
        at.Run("sample", Run, "--out", "x.jpg").Refused(2, ".png");
        at.Run("sample", Run, "--out", "x.png", "--format", "npz").Refused(2, ".npz");
        at.Run("sample", "nowhere", "--out", "x.png").Refused(2, "nowhere does not exist");
        at.Run("sample", ".", "--out", "x.png").Refused(2, "is no model");
        at.Write("text.safetensors", "not tensors at all, but text"u8.ToArray());
        at.Run("predict", Run, "--input", "text.safetensors", "--output", "y").Refused(6, "text.safetensors");
        at.Run("predict", Run, "--input", "nowhere", "--output", "y").Refused(6, "nowhere");
        Assert.Equal(["text.safetensors"], at.Contents().Select(line => line.Split(' ')[0]));
        at.Run("sample", Run, "--out", Path.Combine("text.safetensors", "x.png")).Refused(6, "text.safetensors");
    }
}
