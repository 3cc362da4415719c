using System.Runtime.ExceptionServices;

namespace RawDiffusion.Cpu;

/// <summary>
/// Persistent threads that run the tasks of one operation at a time. The calling thread is worker 0 and takes part; the others are background threads
/// that spin briefly for the next operation and then park. Which worker runs which task is a race, so a task must write nothing that depends on its worker.
/// </summary>
/// <remarks>Operations are issued from one thread. Scratch memory is valid until the same slot is asked for again, so one operation rents a slot once.</remarks>
public sealed unsafe class ThreadTeam : IDisposable
{
    // About 20 µs: longer than the gap between two operations of a network, shorter than a time slice that another process might want.
    private const int SpinRounds = 400;
    private const int SpinsPerRound = 8;
    private const int SharedSlots = 2;

    [ThreadStatic]
    private static Slot? s_current;

    private readonly Thread[] _threads;
    private readonly Slot[] _slots;
    private readonly object _issue = new();
    private readonly object _gate = new();
    private readonly object _completion = new();

    private Action<int, int> _body = static (_, _) => { };
    private ExceptionDispatchInfo? _failure;
    private int _tasks;
    private int _unclaimed;
    private int _unfinished;
    private int _parked;
    private bool _callerParked;
    private volatile bool _stopping;

    /// <summary>Starts <paramref name="count"/> − 1 threads; zero stands for one worker per logical processor.</summary>
    /// <param name="count">Number of workers, the calling thread included.</param>
    /// <exception cref="ArgumentOutOfRangeException"><paramref name="count"/> is negative.</exception>
    public ThreadTeam(int count = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        Count = count == 0 ? Environment.ProcessorCount : count;
        _slots = new Slot[Count + SharedSlots];
        for (int i = 0; i < _slots.Length; i++)
        {
            _slots[i] = new Slot(this, i);
        }
        _threads = new Thread[Count - 1];
        for (int i = 0; i < _threads.Length; i++)
        {
            var slot = _slots[i + 1];
            _threads[i] = new Thread(() => Work(slot)) { IsBackground = true, Name = $"cpu worker {i + 1}" };
            _threads[i].Start();
        }
    }

    /// <summary>Number of workers, the calling thread included.</summary>
    public int Count { get; }

    /// <summary>Whether every background worker has given up its processor to wait.</summary>
    internal bool AllParked => Volatile.Read(ref _parked) == _threads.Length;

    /// <summary>
    /// Calls <paramref name="body"/>(task, worker) once for each task in [0, <paramref name="tasks"/>), claimed in ascending order, and returns when all are done.
    /// A call from inside a task runs inline on that task's worker.
    /// </summary>
    /// <param name="tasks">Number of tasks; none is no work.</param>
    /// <param name="body">What a task does. The first exception ends the operation (tasks not yet begun are dropped) and is rethrown here.</param>
    public void Run(int tasks, Action<int, int> body)
    {
        if (tasks <= 0)
        {
            return;
        }
        bool nested = s_current is not null && s_current.Owner == this;
        if (nested || tasks == 1 || Count == 1)
        {
            int worker = nested ? s_current!.Index : 0;
            for (int task = 0; task < tasks; task++)
            {
                body(task, worker);
            }
            return;
        }
        lock (_issue)
        {
            ObjectDisposedException.ThrowIf(_stopping, this);
            Issue(tasks, body);
        }
    }

    private void Issue(int tasks, Action<int, int> body)
    {
        var outer = s_current;
        s_current = _slots[0];
        _body = body;
        _failure = null;
        _tasks = tasks;
        _unfinished = tasks;
        Interlocked.Exchange(ref _unclaimed, tasks);
        if (Volatile.Read(ref _parked) > 0)
        {
            lock (_gate)
            {
                Monitor.PulseAll(_gate);
            }
        }
        Drain(_slots[0]);
        AwaitCompletion();
        s_current = outer;
        _failure?.Throw();
    }

    /// <summary>
    /// A 64-byte-aligned piece of native memory that belongs to <paramref name="worker"/> until the slot is asked for again. Its content is undefined.
    /// </summary>
    /// <param name="worker">The index handed to the task.</param>
    /// <param name="bytes">Size in bytes.</param>
    public void* Scratch(int worker, long bytes) => _slots[worker].Rent(bytes);

    /// <summary>A 64-byte-aligned piece of native memory for all workers of one operation, rented by the thread that issues it. Its content is undefined.</summary>
    /// <param name="bytes">Size in bytes.</param>
    /// <param name="slot">0, or 1 for an operation that is made of others, which use 0.</param>
    public void* SharedScratch(long bytes, int slot = 0) => _slots[Count + slot].Rent(bytes);

    /// <summary>Bytes of scratch, of all workers and shared.</summary>
    public long ScratchBytes => _slots.Sum(slot => slot.Bytes);

    /// <summary>Stops and joins the threads and frees all scratch memory.</summary>
    public void Dispose()
    {
        lock (_issue)
        {
            if (_stopping)
            {
                return;
            }
            _stopping = true;
        }
        lock (_gate)
        {
            Monitor.PulseAll(_gate);
        }
        foreach (var thread in _threads)
        {
            thread.Join();
        }
        foreach (var slot in _slots)
        {
            slot.Free();
        }
    }

    private void Work(Slot slot)
    {
        s_current = slot;
        while (AwaitTasks())
        {
            Drain(slot);
        }
    }

    private void Drain(Slot slot)
    {
        while (TryClaim(out int task))
        {
            try
            {
                if (_failure is null)
                {
                    _body(task, slot.Index);
                }
            }
            catch (Exception exception)
            {
                Interlocked.CompareExchange(ref _failure, ExceptionDispatchInfo.Capture(exception), null);
            }
            if (Interlocked.Decrement(ref _unfinished) == 0 && Volatile.Read(ref _callerParked))
            {
                lock (_completion)
                {
                    Monitor.Pulse(_completion);
                }
            }
        }
    }

    // A claim keeps its operation from completing, so the fields that describe the operation are read only after it.
    private bool TryClaim(out int task)
    {
        int unclaimed = Volatile.Read(ref _unclaimed);
        while (unclaimed > 0)
        {
            int seen = Interlocked.CompareExchange(ref _unclaimed, unclaimed - 1, unclaimed);
            if (seen == unclaimed)
            {
                task = _tasks - unclaimed;
                return true;
            }
            unclaimed = seen;
        }
        task = -1;
        return false;
    }

    private bool AwaitTasks()
    {
        for (int round = 0; round < SpinRounds; round++)
        {
            if (Volatile.Read(ref _unclaimed) > 0)
            {
                return true;
            }
            Thread.SpinWait(SpinsPerRound);
        }
        lock (_gate)
        {
            // Announce before looking: the issuer publishes its tasks before it looks for parked workers.
            Interlocked.Increment(ref _parked);
            while (Volatile.Read(ref _unclaimed) == 0 && !_stopping)
            {
                Monitor.Wait(_gate);
            }
            Interlocked.Decrement(ref _parked);
        }
        return !_stopping;
    }

    private void AwaitCompletion()
    {
        for (int round = 0; round < SpinRounds; round++)
        {
            if (Volatile.Read(ref _unfinished) == 0)
            {
                return;
            }
            Thread.SpinWait(SpinsPerRound);
        }
        lock (_completion)
        {
            Volatile.Write(ref _callerParked, true);
            Interlocked.MemoryBarrier();
            while (Volatile.Read(ref _unfinished) != 0)
            {
                Monitor.Wait(_completion);
            }
            Volatile.Write(ref _callerParked, false);
        }
    }

    private sealed class Slot(ThreadTeam owner, int index)
    {
        private void* _memory;

        public ThreadTeam Owner => owner;
        public int Index => index;
        public long Bytes { get; private set; }

        public void* Rent(long bytes)
        {
            if (bytes > Bytes)
            {
                Free();
                _memory = NativePages.Allocate(bytes);
                Bytes = bytes;
            }
            return _memory;
        }

        public void Free()
        {
            NativePages.Free(_memory);
            _memory = null;
            Bytes = 0;
        }
    }
}
