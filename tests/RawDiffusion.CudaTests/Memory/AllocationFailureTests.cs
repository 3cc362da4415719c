using System.Globalization;
using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Testing;
using RawDiffusion.Training;

namespace RawDiffusion.CudaTests;

/// <summary>
/// Allocation n fails, once or from then on, for every n: device and pinned memory, streams, events, modules, graphs and the cuBLAS handle.
/// Either nothing is noticed, or one message says what to do; nothing is left behind, and the same work is then done on the same device.
/// </summary>
public class AllocationFailureTests
{
    private static readonly UNetConfig Network = TinyTraining.Network(side: 8, 4);

    [Theory]
    [InlineData(1)]
    [InlineData(long.MaxValue)]
    public void WhileADeviceIsOpened(long failures)
    {
        TestGpu.RequireEmulated();
        var sweep = new Sweep(failures, () => Open().Dispose(), () => Assert.Equal((0, 0), (EmulatedDriver.LiveAllocations(), EmulatedDriver.Contexts())));
        sweep.Run(atLeast: 30);
        Assert.Equal("", EmulatedDriver.Leaks());
    }

    /// <summary>The second step is recorded as a graph on its way.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(long.MaxValue)]
    public void WhileATrainingStepIsMadeAndRun(long failures)
    {
        TestGpu.RequireEmulated();
        using var device = Open();
        StepResult[] expected;
        using (var training = new TinyTraining(device, Network, batch: 1))
        {
            expected = [training.Run(0), training.Run(1)];
        }
        long noticed = OnDevice(device, failures, () => Train(device, expected)).Run(atLeast: 80);
        // Device memory is there again once the cache has been given back; pinned memory, which holds the graph's one constant, is not.
        Assert.True(failures > 1 || noticed == 1, $"{noticed} single failures were noticed");
    }

    [Theory]
    [InlineData(1)]
    [InlineData(long.MaxValue)]
    public void WhileImagesAreSampled(long failures)
    {
        TestGpu.RequireEmulated();
        using var device = Open();
        float[] expected = Sample(device);
        long noticed = OnDevice(device, failures, () => Assert.Equal(expected, Sample(device))).Run(atLeast: 30);
        Assert.True(failures > 1 || noticed == 0, $"{noticed} single failures were noticed");
    }

    private static CudaDevice Open() => new(new CudaOptions { Cache = EmulatedDriver.Cache });

    private static Sweep OnDevice(CudaDevice device, long failures, Action work)
    {
        device.Memory.Flush();
        var (blocks, driver) = (device.Memory.LiveBlocks, EmulatedDriver.LiveAllocations());
        return new Sweep(failures, work, () =>
        {
            device.Memory.Flush();
            Assert.Equal((blocks, 0, driver), (device.Memory.LiveBlocks, device.Memory.ReservedBytes, EmulatedDriver.LiveAllocations()));
        });
    }

    /// <summary>Two steps; the one that fails is done again once there is memory, and nothing may be wrong with it or with the next.</summary>
    private static void Train(CudaDevice device, StepResult[] expected)
    {
        using var training = new TinyTraining(device, Network, batch: 1);
        DeviceException? failure = null;
        for (int step = 0; step < expected.Length; step++)
        {
            StepResult result;
            try
            {
                result = training.Run(step);
            }
            catch (DeviceException e)
            {
                failure = e;
                EmulatedDriver.FailAllocation(0, 0);
                result = training.Run(step);
            }
            Assert.Equal(expected[step], result);
        }
        if (failure is not null)
        {
            throw failure;
        }
    }

    private static float[] Sample(CudaDevice device)
    {
        var unet = new UNet(Network);
        using var parameters = new ParameterSet(unet.Parameters, device, training: false);
        TinyTraining.Randomize(parameters);
        var model = new GenerativeModel(unet, device, DiffusionProcess.Linear(8), Network.Height, Network.Width);
        return ImageSampler.Run(model, new SampleRequest { Count = 1, Sampler = Samplers.DpmSolver2M(steps: 2), Guidance = 2 }).Pixels;
    }

    /// <summary>Does the work as often as it allocates, each time with another allocation failing; `clean` asserts that nothing is left behind.</summary>
    private sealed class Sweep(long failures, Action work, Action clean)
    {
        /// <returns>How many failures were noticed.</returns>
        public long Run(int atLeast)
        {
            long noticed = 0;
            EmulatedDriver.Start();
            work();
            long allocations = EmulatedDriver.Allocations();
            Assert.True(allocations >= atLeast, string.Create(CultureInfo.InvariantCulture, $"{allocations} allocations"));
            clean();
            for (long n = 1; n <= allocations; n++)
            {
                EmulatedDriver.Start();
                EmulatedDriver.FailAllocation(n, failures);
                try
                {
                    work();
                    Assert.True(failures == 1, $"nobody noticed that there was no memory from allocation {n} of {allocations} on");
                }
                catch (DeviceException e)
                {
                    noticed++;
                    Assert.Matches("Out of memory|OUT_OF_MEMORY|ALLOC_FAILED", e.Message);
                    Assert.Matches("Use a smaller (--)?batch or a smaller network", e.Message);
                }
                Assert.True(EmulatedDriver.Allocations() >= n);
                EmulatedDriver.Start();
                clean();
            }
            work();
            clean();
            return noticed;
        }
    }
}
