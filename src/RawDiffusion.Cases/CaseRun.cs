using RawDiffusion.Core;

namespace RawDiffusion.Cases;

/// <summary>Runs a case on a device.</summary>
public static class CaseRun
{
    /// <summary>
    /// Runs a case and returns everything that it computed. New tensors are poisoned, inputs and gradients are guarded, and nothing may be left behind.
    /// </summary>
    /// <exception cref="ConformanceException">A leak, a changed input, a write out of bounds, or a gradient that never came.</exception>
    public static IReadOnlyList<CaseResult> Run(OpCase opCase, Device device, Usage usage = Usage.Once) =>
        Run(opCase, device, usage, _ => usage == Usage.Onto ? Wanted.Added : Wanted.Alone);

    /// <summary>Runs a case once, wanting of the gradient of each differentiable tensor, by its place among them, something of its own.</summary>
    /// <exception cref="ConformanceException">As for every run.</exception>
    public static IReadOnlyList<CaseResult> Run(TapeCase tapeCase, Device device, Func<int, Wanted> wanted) => Run(tapeCase, device, Usage.Once, wanted);

    /// <summary>Runs a case forward and backward on a <see cref="ShapeDevice"/>.</summary>
    /// <returns>The calls, in order.</returns>
    public static IReadOnlyList<OpCall> Rehearse(OpCase opCase)
    {
        using var device = new ShapeDevice();
        using var tensors = new CaseTensors(opCase, device);
        if (opCase is DeviceCase deviceCase)
        {
            deviceCase.Call(device, tensors);
            return device.Calls;
        }
        using var tape = new Tape(device, recording: true);
        var y = ((TapeCase)opCase).Forward(tape, tensors);
        if (y.RequiresGradient)
        {
            using var cotangent = new Tensor(device, y.Shape, null, "cotangent");
            tape.Backward(y, cotangent);
        }
        return device.Calls;
    }

    /// <summary>What is in the gradient of a tensor before a run that adds to it.</summary>
    public static double[] Prior(CaseTensor tensor) => CaseTensor.Draw("prior ∂" + tensor.Name, tensor.Shape);

    private static IReadOnlyList<CaseResult> Run(OpCase opCase, Device device, Usage usage, Func<int, Wanted> wanted)
    {
        device.PoisonNewTensors = true;
        int blocks = device.Memory.LiveBlocks;
        IReadOnlyList<CaseResult> results;
        using (var tensors = new CaseTensors(opCase, device))
        {
            switch (opCase)
            {
                case TapeCase tapeCase:
                    RunOnTape(tapeCase, device, tensors, usage, wanted);
                    break;
                case DeviceCase deviceCase:
                    deviceCase.Call(device, tensors);
                    tensors.ReportWritten();
                    break;
            }
            tensors.CheckUntouched();
            results = tensors.Reported;
        }
        if (device.Memory.LiveBlocks != blocks)
        {
            throw new ConformanceException($"{opCase} on {device.Description}: {device.Memory.LiveBlocks - blocks} blocks of memory were left behind");
        }
        return results;
    }

    /// <summary>Runs a case forward: its output, or the sum of two where the usage says so.</summary>
    internal static Tensor Forward(Tape tape, TapeCase tapeCase, CaseTensors tensors, Usage usage)
    {
        var y = tapeCase.Forward(tape, tensors);
        return usage == Usage.Twice ? tape.Add(y, tapeCase.Forward(tape, tensors)) : y;
    }

    /// <summary>The random numbers, of order one, that every case's backward starts from.</summary>
    internal static double[] Cotangent(Shape shape) => CaseTensor.Draw("cotangent", shape);

    private static void RunOnTape(TapeCase tapeCase, Device device, CaseTensors tensors, Usage usage, Func<int, Wanted> wanted)
    {
        CaseTensor[] differentiable = [.. tapeCase.Tensors.Where(t => t.Role == Role.Differentiable)];
        var arena = new Dictionary<string, GuardedTensor>();
        try
        {
            foreach (var (i, tensor) in differentiable.Index())
            {
                tensors[tensor.Name].RequiresGradient = wanted(i) != Wanted.Not;
                if (usage != Usage.WithoutArena && wanted(i) != Wanted.Not)
                {
                    arena[tensor.Name] = new GuardedTensor(device, "∂" + tensor.Name, tensor.Shape);
                    var bound = tensors[tensor.Name].BindGradient(arena[tensor.Name].Content);
                    if (wanted(i) == Wanted.Added)
                    {
                        bound.Upload(Prior(tensor));
                    }
                }
            }
            using var tape = new Tape(device, recording: true);
            var y = Forward(tape, tapeCase, tensors, usage);
            tensors.Report("y", y);
            if (y.RequiresGradient)
            {
                using var cotangent = new GuardedTensor(device, "cotangent", y.Shape);
                cotangent.Content.Upload(Cotangent(y.Shape));
                tape.Backward(y, cotangent.Content);
            }
            foreach (string name in differentiable.Select(t => t.Name).Where(name => tensors[name].RequiresGradient))
            {
                tensors.Report("∂" + name, Gradient(tape, tensors[name], tapeCase));
                if (arena.TryGetValue(name, out var guarded) && guarded.Damage() is { } damage)
                {
                    throw new ConformanceException($"{tapeCase} on {device.Description}: {damage}");
                }
            }
        }
        finally
        {
            foreach (var guarded in arena.Values)
            {
                guarded.Dispose();
            }
        }
    }

    private static Tensor Gradient(Tape tape, Tensor tensor, TapeCase tapeCase) => tensor.BoundGradient switch
    {
        null => tape.Gradient(tensor),
        { HasSum: true } bound => bound.Sum,
        _ => throw new ConformanceException($"{tapeCase} on {tape.Device.Description}: no gradient came to {tensor}"),
    };
}
