using RawDiffusion.Core;
using RawDiffusion.Data;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Testing;
using RawDiffusion.Training;

namespace RawDiffusion.UnitTests.Data;

public class BatchFeedTests
{
    private static readonly UNetConfig Network = new()
    {
        Height = 12,
        Width = 12,
        InChannels = 3,
        OutChannels = 3,
        BlockChannels = [4],
        AttentionLevels = [],
        LayersPerBlock = 1,
        NormGroups = 2,
    };

    /// <summary>Images of odd width in the network's even one, mirrored by chance, over the end of an epoch: the device's copy and the loader's batches must train alike.</summary>
    [Fact]
    public void ADeviceThatHoldsTheDataSetTrainsToTheSameBits()
    {
        using var holding = new HoldingDevice();
        using var device = new ReferenceDevice();
        var (losses, labels) = Train(device);
        Assert.Equal(4, losses.Distinct().Count());
        Assert.Equal(0, holding.Asked);
        var resident = Train(holding);
        Assert.Equal(1, holding.Asked);
        Assert.Equal(losses, resident.Losses);
        Assert.Equal(labels, resident.Labels);
    }

    private static (double[] Losses, int[] Labels) Train(Device device)
    {
        var unet = new UNet(Network);
        using var parameters = new ParameterSet(unet.Parameters, device, training: true);
        parameters.Initialize(1);
        using var adam = new Adam(parameters, new AdamOptions());
        var shape = new Shape(5, 12, 12, 3);
        // Little noise: the loss depends on each pixel.
        using var objective = new SimpleObjective(unet.Forward, DiffusionProcess.Linear(), device, shape, new SimpleObjectiveOptions { Timesteps = (in _, _, drawn) => ((int[])[0, 1, 2, 3, 4]).CopyTo(drawn) });
        using var step = new TrainingStep(objective, adam, device, shape, seed: 2);
        using var feed = BatchFeed.Open(new ShapesDataset(13, 11), device, new BatchLoaderOptions { BatchSize = 5, Seed = 2, Flip = true, PaddedHeight = 12, PaddedWidth = 12, PaddingValue = 9, Cursor = 3 });
        double[] losses = new double[4];
        var labels = new List<int>();
        for (int i = 0; i < losses.Length; i++)
        {
            Assert.Equal(3 + 5 * i, feed.Cursor);
            var batch = feed.Next();
            labels.AddRange(batch.Labels.Span);
            losses[i] = step.Run(batch, i, 1e-3, 0.9).Loss;
        }
        return (losses, [.. labels]);
    }

    private sealed class HoldingDevice : ReferenceDevice
    {
        public int Asked { get; private set; }

        public override long DataSetBytes
        {
            get
            {
                Asked++;
                return long.MaxValue;
            }
        }
    }
}
