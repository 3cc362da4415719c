using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

/// <summary>That the emulated driver runs right kernels right, so that its verdict on the engine's kernels counts.</summary>
public class EmulatedDriverTests
{
    [Fact]
    public void ShufflesAndVotes()
    {
        using var emulated = TestGpu.OpenEmulated();
        const int n = 64;
        var result = emulated.Make(DType.Int32, 9 * n);
        emulated.Kernel("shuffles").Launch(emulated.Stream, 1, n, 0, result);
        int[] got = result.ToArray<int>();
        int Value(int t) => 100 + t;
        for (int t = 0; t < n; t++)
        {
            int lane = t % 32, warp = t - lane;
            int ballot = Enumerable.Range(0, 32).Where(i => (warp + i) % 3 == 0).Aggregate(0, (mask, i) => mask | 1 << i);
            int[] expected =
            [
                Value(warp + 7), Value(t / 8 * 8 + 3), Value(lane >= 2 ? t - 2 : t), Value(t % 16 < 14 ? t + 2 : t), Value(warp + (lane ^ 5)),
                ballot, (warp == 32 ? 2 : 0) + (warp == 0 ? 1 : 0), n / 2,
            ];
            Assert.Equal(expected, Enumerable.Range(0, 8).Select(kind => got[kind * n + t]));
            Assert.Equal(lane < 16 ? Value(warp + (lane ^ 1)) : -1, got[8 * n + t]); // −1: the poison of fresh memory
        }
    }

    [Fact]
    public void BlockSumsUseEveryThread()
    {
        using var emulated = TestGpu.OpenEmulated();
        float[] x = [.. Enumerable.Range(0, 3 * 96).Select(i => (float)i)];
        var sums = new Tensor(emulated.Device, new Shape(3), DType.Float64);
        emulated.Kernel("block_sums").Launch(emulated.Stream, 3, 96, 0, sums, emulated.Upload(x));
        Assert.Equal(x.Chunk(96).Select(c => (double)c.Sum()), sums.ToArray<double>());
        sums.Dispose();
    }

    [Fact]
    public void TheLastBlockMaySeeWhatTheOthersWrote()
    {
        using var emulated = TestGpu.OpenEmulated();
        float[] x = [.. Enumerable.Range(0, 8 * 32).Select(i => i * 0.5f)];
        var orders = new List<string>();
        foreach (ulong seed in (ulong[])[1, 2])
        {
            EmulatedDriver.SetSeed(seed);
            Tensor sum = emulated.Make(1), partial = emulated.Make(8), arrived = emulated.Make(DType.Int32, 1).Clear(), order = emulated.Make(DType.Int32, 8);
            emulated.Kernel("last_block_sum").Launch(emulated.Stream, 8, 32, 0, sum, partial, arrived, order, emulated.Upload(x));
            Assert.Equal(x.Sum(), sum.ToArray()[0]);
            Assert.Equal(Enumerable.Range(0, 8), order.ToArray<int>().Order());
            orders.Add(string.Join(' ', order.ToArray<int>()));
        }
        Assert.NotEqual(orders[0], orders[1]);
        Assert.DoesNotContain("0 1 2 3 4 5 6 7", orders);
    }

    [Fact]
    public void AsynchronousCopiesLandWhenWaitedFor()
    {
        using var emulated = TestGpu.OpenEmulated();
        float[] x = [.. Enumerable.Range(0, 256).Select(i => (float)i)];
        var y = emulated.Make(256);
        emulated.Kernel("reverse_async").Launch(emulated.Stream, 4, 64, 256, y, emulated.Upload(x));
        Assert.Equal(x.Chunk(64).SelectMany(c => c.Reverse()), y.ToArray());
    }

    [Fact]
    public void MatrixInstructionsMultiply()
    {
        using var emulated = TestGpu.OpenEmulated();
        // Small integers are exact in bf16 and in tf32.
        float[] a = [.. Enumerable.Range(0, 256).Select(i => (float)(i * 7 % 11 - 5))], b = [.. Enumerable.Range(0, 128).Select(i => (float)(i * 5 % 13 - 6))];
        Tensor c = emulated.Make(128), c2 = emulated.Make(128);
        emulated.Kernel("matrix_products").Launch(emulated.Stream, 1, 32, 0, c, c2, emulated.Upload(a), emulated.Upload(b));
        IEnumerable<float> Product(int depth) =>
            Enumerable.Range(0, 128).Select(i => Enumerable.Range(0, depth).Sum(k => a[i / 8 * 16 + k] * b[k * 8 + i % 8]));
        Assert.Equal(Product(16), c.ToArray());
        Assert.Equal(Product(8), c2.ToArray());
    }

    [Fact]
    public void WorkWaitsUntilSomebodyWaitsForIt()
    {
        using var emulated = TestGpu.OpenEmulated();
        var x = emulated.Upload(1, 2, 3);
        emulated.Device.Synchronize();
        emulated.Kernel("add_one").Launch(emulated.Stream, 1, 32, 0, x, 3);
        Assert.Equal((1, 0), (EmulatedDriver.Pending(), EmulatedDriver.Launches("add_one")));
        Assert.Equal([2f, 3f, 4f], x.ToArray());
        Assert.Equal((0, 1), (EmulatedDriver.Pending(), EmulatedDriver.Launches("add_one")));
    }

    [Fact]
    public void OnlyTheStreamThatIsWaitedForRuns()
    {
        using var emulated = TestGpu.OpenEmulated();
        var x = emulated.Upload(1);
        emulated.Device.Synchronize();
        using var other = new CudaStream(emulated.Stream.Context);
        using var added = new CudaEvent(emulated.Stream.Context);
        var kernel = emulated.Kernel("add_one");
        kernel.Launch(other, 1, 1, 0, x, 1);
        added.Record(other);
        Assert.Equal([1f], x.ToArray());
        emulated.Stream.Wait(added);
        Assert.Equal([2f], x.ToArray());
    }

    [Fact]
    public void FreshMemoryIsPoisoned()
    {
        using var emulated = TestGpu.OpenEmulated();
        Assert.All(emulated.Make(100).ToArray(), value => Assert.Equal(float.NaN, value));
        var y = emulated.Make(32);
        emulated.Kernel("unwritten_shared").Launch(emulated.Stream, 1, 32, 0, y);
        Assert.All(y.ToArray(), value => Assert.Equal(float.NaN, value));
    }

    [Fact]
    public void ArgumentsAreCheckedAgainstTheKernel()
    {
        using var emulated = TestGpu.OpenEmulated();
        var x = emulated.Upload(1);
        var kernel = emulated.Kernel("add_one");
        Assert.Contains("takes 2 arguments, but 1", Assert.Throws<ArgumentException>(() => kernel.Launch(emulated.Stream, 1, 1, 0, x)).Message);
        Assert.Contains("argument 1 of the kernel add_one has 4 bytes, but one of 8", Assert.Throws<ArgumentException>(() => kernel.Launch(emulated.Stream, 1, 1, 0, x, 1L)).Message);
        Assert.Contains("no kernel nonsense", Assert.Throws<DeviceException>(() => emulated.Kernel("nonsense")).Message);
    }

    /// <summary>A driver may have no table of a kernel's parameters, and then has an error for the first of them: that does not say that there is none.</summary>
    [Fact]
    public void ArgumentsOfWhichTheDriverKnowsNothingAreNotChecked()
    {
        using var emulated = TestGpu.OpenEmulated();
        EmulatedDriver.HideParameters();
        var x = emulated.Upload(1);
        var kernel = emulated.Kernel("add_one");
        kernel.Launch(emulated.Stream, 1, 1, 0, x, 1);
        kernel.Launch(emulated.Stream, 1, 1, 0, x, 1, 7L);
        Assert.Equal([3f], x.ToArray());
    }

    [Fact]
    public void SharedMemoryBeyond48KibIsAllowedForOnDemand()
    {
        using var emulated = TestGpu.OpenEmulated();
        var y = emulated.Make(32);
        emulated.Kernel("beyond_shared").Launch(emulated.Stream, 1, 32, 200 << 10, y);
        Assert.Equal(32f, y.ToArray().Sum());
        Assert.Contains("227 KiB", Assert.Throws<DeviceException>(() => emulated.Kernel("beyond_shared").Launch(emulated.Stream, 1, 32, 230 << 10, y)).Message);
    }
}
