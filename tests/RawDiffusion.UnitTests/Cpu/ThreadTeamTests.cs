using RawDiffusion.Cpu;

namespace RawDiffusion.UnitTests.Cpu;

public unsafe class ThreadTeamTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(7)]
    public void RunsEveryTaskOnce(int count)
    {
        using var workers = new ThreadTeam(count);
        for (int repeat = 0; repeat < 200; repeat++)
        {
            int tasks = repeat % 23;
            int[] calls = new int[tasks];
            workers.Run(tasks, (task, worker) =>
            {
                Assert.InRange(worker, 0, count - 1);
                Interlocked.Increment(ref calls[task]);
            });
            Assert.All(calls, n => Assert.Equal(1, n));
        }
    }

    [Fact]
    public void WakesParkedWorkers()
    {
        using var workers = new ThreadTeam(2);
        for (int repeat = 0; repeat < 3; repeat++)
        {
            using var both = new Barrier(2);
            workers.Run(2, (_, _) => Assert.True(both.SignalAndWait(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken)));
            while (!workers.AllParked)
            {
                Thread.Yield();
            }
        }
    }

    [Fact]
    public void RethrowsATaskFailureAndGoesOn()
    {
        using var workers = new ThreadTeam(3);
        var failure = Assert.Throws<InvalidOperationException>(() => workers.Run(10, (task, _) =>
        {
            if (task == 4)
            {
                throw new InvalidOperationException("task 4");
            }
        }));
        Assert.Equal("task 4", failure.Message);
        int sum = 0;
        workers.Run(10, (task, _) => Interlocked.Add(ref sum, task));
        Assert.Equal(45, sum);
    }

    [Fact]
    public void NestedRunStaysOnItsWorker()
    {
        using var workers = new ThreadTeam(2);
        int calls = 0;
        workers.Run(4, (_, outer) => workers.Run(5, (_, inner) =>
        {
            Assert.Equal(outer, inner);
            Interlocked.Increment(ref calls);
        }));
        Assert.Equal(20, calls);
    }

    [Fact]
    public void ScratchIsAlignedDistinctAndReused()
    {
        using var workers = new ThreadTeam(2);
        byte* first = (byte*)workers.Scratch(0, 1000), second = (byte*)workers.Scratch(1, 1000), shared = (byte*)workers.SharedScratch(1000);
        Assert.Equal(0, (nint)first % 64);
        Assert.True(Math.Abs(first - second) >= 1000 && Math.Abs(first - shared) >= 1000 && Math.Abs(second - shared) >= 1000);
        Assert.True(first == workers.Scratch(0, 500));
    }

    [Fact]
    public void RefusesToRunAfterDisposal()
    {
        var workers = new ThreadTeam(2);
        workers.Dispose();
        workers.Dispose();
        Assert.Throws<ObjectDisposedException>(() => workers.Run(2, (_, _) => { }));
    }
}
