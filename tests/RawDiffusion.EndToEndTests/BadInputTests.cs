using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.EndToEndTests;

/// <summary>Mistakes that users make: each one paragraph, its exit code, and nothing left behind or lost.</summary>
public class BadInputTests
{
    [Theory]
    [InlineData("trian", "there is no command trian (did you mean train?)")]
    [InlineData("train --stepz 5 --batch many", "no option or place for --stepz (did you mean --steps?)|--batch is 'many', but it must be a whole number")]
    [InlineData("train --seed -1", "--seed is '-1', but it must be a whole number of at least 0")]
    [InlineData("train --batch 0", "batch is 0; it must be at least 1")]
    [InlineData("train --preset mnits", "there is no preset mnits (did you mean mnist?)")]
    [InlineData("train --set optimizer.ema_deca=0.9", "there is no key optimizer.ema_deca (did you mean optimizer.ema_decay?)")]
    [InlineData("train --set optimizer.ema_decay=high", "optimizer.ema_decay is \"high\"; expected a number")]
    [InlineData("train --lr NaN", "expected a number")]
    [InlineData(
        "train --batch 0 --lr -1 --preset nothing --set stepz=1 --set network.norm_groups=7 --set diffusion.beta_schedule=cosine",
        "for 7 reasons|batch is 0|learning_rate is -1|no preset nothing|did you mean steps?|channels 32 is no multiple of the 7 norm groups|did you mean squaredcos_cap_v2?")]
    [InlineData("train --batch-size 4 --epochs 3 -lr 1", "--batch-size (did you mean --batch?)|--epochs (did you mean --steps, which counts batches|-lr (did you mean --lr?)")]
    [InlineData("train --image-size=64 --num_workers 2", "did you mean --set data.resize=N?|did you mean --threads?")]
    [InlineData("sample run -n 4 --num-inference-steps 5", "-n (did you mean --count?)|did you mean --steps?")]
    [InlineData("generate run", "there is no command generate (did you mean sample?)")]
    [InlineData("train --preset cifar", "there is no preset cifar (did you mean cifar10?)")]
    [InlineData("train --set optimiser.lr=1", "there is no key optimiser.lr (did you mean optimizer.learning_rate?)|`rawdiffusion train --dry-run` prints all keys")]
    [InlineData("train --set sampling.foo=1", "sampling has sampler, steps, spacing, eta, variance, clip, guidance, count")]
    [InlineData("train --set sampling.count=2000000000", "sampling.count: 2,000,000,000 images of 32×32×3 are too many for one go")]
    [InlineData("runs", "There is no folder runs/ here")]
    [InlineData("runs nowhere", "nowhere does not exist")]
    [InlineData("completion tcsh", "There is no completion for the shell tcsh; there is one for bash, zsh, fish")]
    [InlineData("train --config nowhere.json", "nowhere.json cannot be read")]
    [InlineData("train --config .", "is a folder. Name a JSON file")]
    [InlineData("resume nowhere", "nowhere is no run folder: it does not exist")]
    [InlineData("resume .", "is no run folder")]
    [InlineData("resume", "resume")]
    [InlineData("bench --preset nothing --batch 0 --threads -1 --sample-batch -1", "no preset nothing|batch is 0|device.threads is -1|--sample-batch is -1")]
    public void WrongUsageEndsWithTwo(string arguments, string expected)
    {
        using var at = new Workspace();
        at.Run(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)).Refused(2, expected.Split('|'));
        Assert.Empty(at.Contents());
    }

    [Fact]
    public void AWrongConfigurationFileIsExplainedWhole()
    {
        using var at = new Workspace();
        at.Write("my.json", """{ "steps": "many", /* yes */ "network": { "chanels": [32] }, "optimizer": { "beta1": 2 }, }"""u8.ToArray());
        at.Write("broken.json", "{ \"steps\": "u8.ToArray());
        at.Write("newer.json", "{ \"format\": 99 }"u8.ToArray());
        at.Run("train", "--config", "my.json").Refused(2, "my.json: steps is \"many\"; expected a whole number", "did you mean network.channels?", "optimizer.beta1 is 2");
        at.Run("train", "--config", "broken.json").Refused(2, "broken.json is not valid JSON");
        at.Run("train", "--config", "newer.json").Refused(2, "newer version");
    }

    [Fact]
    public void WrongDataEndsWithThree()
    {
        using var at = new Workspace();
        at.Write(Path.Combine("text", "cat.png"), "this is no picture"u8.ToArray());
        at.Write(Path.Combine("idx", "train-images-idx3-ubyte"), TinyMnist.Images(20)[..^1]);
        at.Write(Path.Combine("idx", "train-labels-idx1-ubyte"), TinyMnist.Labels(20));
        at.Write(Path.Combine("empty-file", "train-images-idx3-ubyte"), []);
        Directory.CreateDirectory(at.At("empty"));
        string[] before = at.Contents();
        at.Run("train", "--data", "nowhere").Refused(3, "nowhere");
        at.Run("train", "--data", "text").Refused(3, "cat.png");
        at.Run("train", "--data", "idx").Refused(3, "train-images-idx3-ubyte");
        at.Run("train", "--data", "empty-file").Refused(3, "train-images-idx3-ubyte");
        at.Run("train", "--data", "empty").Refused(3, "empty");
        at.Run("train", "--data", Path.Combine("text", "cat.png")).Refused(3, "cat.png");
        Assert.Equal(before, at.Contents());
    }

    [Fact]
    public void AMissingDeviceEndsWithFour()
    {
        using var at = new Workspace();
        Assert.SkipWhen(NativeLibraries.Find("cuda").Found is not null, "this machine has a CUDA driver");
        at.Run("train", "--device", "cuda:7").Refused(4, "libcuda.so.1", "--device cpu");
        at.Run("train", "--precision", "bf16", "--device", "cpu").Refused(4, "fp32");
        at.Run("bench", "--device", "cuda").Refused(4, "libcuda.so.1", "--device cpu");
        Assert.Empty(at.Contents());
    }

    [Fact]
    public void AFolderThatCannotBeWrittenToEndsWithSix()
    {
        using var at = new Workspace();
        at.Write("file", [1, 2, 3]);
        at.Train(Path.Combine("file", "run"), 1).Refused(6, "file");
        Assert.Equal([1, 2, 3], File.ReadAllBytes(at.At("file")));
    }

    [Fact]
    public void ADamagedCheckpointIsNamedAndTheOneBeforeItIsUsed()
    {
        using var at = new Workspace();
        at.Train("run", 4, "--save-every", "2", "--sample-every", "0").Succeeded();
        Damage(4);
        string[] before = at.Contents();
        at.Run("sample", Path.Combine("run", "checkpoints", "step-0000004"), "--out", "x.png").Refused(6, "weights.safetensors", "step-0000004");
        Assert.Equal(before, at.Contents());
        Assert.Contains("falling back", at.Run("sample", "run", "--out", "x.png").Succeeded().Error);
        var resumed = at.Run("resume", "run").Succeeded();
        Assert.Contains("falling back", resumed.Error);
        Assert.Contains("from step 2", resumed.Error);

        Damage(2);
        Damage(4);
        before = at.Contents();
        at.Run("sample", "run", "--out", "y.png").Refused(6, "intact");
        at.Run("resume", "run").Refused(6, "intact");
        Assert.Equal(before.Where(line => !line.Contains("train.lock", StringComparison.Ordinal)), at.Contents().Where(line => !line.Contains("train.lock", StringComparison.Ordinal)));

        void Damage(int step)
        {
            string path = at.At("run", "checkpoints", $"step-{step:D7}", "weights.safetensors");
            byte[] bytes = File.ReadAllBytes(path);
            bytes[bytes.Length / 2] ^= 1;
            File.WriteAllBytes(path, bytes);
        }
    }

    [Fact]
    public void DivergenceEndsWithFiveAndKeepsTheLastGoodState()
    {
        using var at = new Workspace();
        at.Train("run", 50, "--lr", "1e38", "--set", "optimizer.max_bad_steps=3", "--set", "optimizer.max_norm=null").Refused(5, "3 steps in a row", "--lr");
        Assert.NotEmpty(Directory.GetDirectories(at.At("run", "checkpoints")));
    }

    [Fact]
    public void ATotalBelowWhatIsDoneIsRefused()
    {
        using var at = new Workspace();
        at.Train("run", 3).Succeeded();
        at.Run("resume", "run", "--steps", "2").Refused(2, "2 steps in all", "done 3 already", "a larger total");
    }
}
