using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Models;

namespace RawDiffusion.UnitTests.Cpu;

public class CpuDeviceMemoryTests
{
    [Fact]
    public void SaysWhatItIs()
    {
        using CpuDevice one = new(1), three = new(3, InstructionSet.Vector128);
        Assert.StartsWith("CPU, 1 thread, ", one.Description);
        Assert.Equal("CPU, 3 threads, 128-bit vectors", three.Description);
        Assert.Equal(DType.Float32, one.Real);
    }

    [Fact]
    public void CopiesAndFillsLargeTensorsWhole()
    {
        using var device = new CpuDevice(3);
        int[] values = [.. Enumerable.Range(0, 3_000_001)];
        using var a = new Tensor(device, new Shape(values.Length), DType.Int32).Upload(values);
        using var b = new Tensor(device, a.Shape, DType.Int32).CopyFrom(a);
        Assert.Equal(values, b.ToArray<int>());
        Assert.All(b.Clear().ToArray<int>(), value => Assert.Equal(0, value));
    }

    [Fact]
    public void ASteadyStateAsksForNoMoreMemory()
    {
        using var device = new CpuDevice(2);
        var shape = new Shape(2, 20, 32);
        long allocations = 0;
        for (int step = 0; step < 5; step++)
        {
            using Tensor x = new Tensor(device, shape).Clear(), p = new Tensor(device, new Shape(2, 4, 20, 20)).Clear();
            using Tensor dq = new(device, shape), dk = new(device, shape), dv = new(device, shape);
            device.AttentionBackward(x, x, x, x, p, Sink.Into(dq), Sink.Into(dk), Sink.Into(dv), 4);
            allocations = step == 0 ? device.Memory.RawAllocations : allocations;
        }
        Assert.Equal(allocations, device.Memory.RawAllocations);
        Assert.Equal(0, device.Memory.LiveBlocks);
        device.Memory.Flush();
        Assert.Equal(0, device.Memory.CachedBytes);
    }

    [Fact]
    public void PackedWeightsGoWithTheModelTheyWereMadeFrom()
    {
        using var device = new CpuDevice(2);
        using var x = new Tensor(device, new Shape(1, 8, 8, 3)).Clear();
        using var timesteps = new Tensor(device, new Shape(1)).Clear();
        long live = device.Memory.LiveBytes;
        for (int i = 0; i < 20; i++)
        {
            // Each of another size, so that none finds the copies of the one before at its own addresses.
            var network = new UNet(new()
            {
                Height = 8,
                Width = 8,
                InChannels = 3,
                OutChannels = 3,
                BlockChannels = [16 + 4 * i, 32 + 4 * i],
                AttentionLevels = [1],
                LayersPerBlock = 1,
                NormGroups = 4,
            });
            using (var parameters = new ParameterSet(network.Parameters, device, training: false))
            using (var tape = new Tape(device, recording: false))
            {
                parameters.Initialize(0);
                network.Forward(tape, new NetworkInput(x, timesteps));
                Assert.True(device.PackedBytes > parameters.Values.Bytes / 2, $"{device.PackedBytes} bytes are packed of {parameters.Values.Bytes}");
            }
            Assert.Equal(0, device.PackedBytes);
            Assert.Equal(live, device.Memory.LiveBytes);
        }
    }

    [Fact]
    public void MemoryThatIsNotThereIsADeviceException()
    {
        using var device = new CpuDevice(1);
        var failure = Assert.Throws<DeviceException>(() => new Tensor(device, new Shape(int.MaxValue, 1 << 20), name: "a wish"));
        Assert.Contains("a wish", failure.Message);
        using var small = new Tensor(device, new Shape(16)).Clear();
        Assert.Equal(new float[16], small.ToArray());
    }
}
