using RawDiffusion.Core;

namespace RawDiffusion.Testing;

/// <summary>How a run uses a case's differentiable tensors.</summary>
public enum Usage
{
    /// <summary>Once, with gradients that nothing has been added to, in an arena.</summary>
    Once,

    /// <summary>Once, with gradients that the tape allocates.</summary>
    WithoutArena,

    /// <summary>By two runs of the op on one tape, whose results are added.</summary>
    Twice,

    /// <summary>Once, adding to a gradient that is there.</summary>
    OntoAll,

    /// <summary>As <see cref="OntoAll"/>, but only every other tensor, from the first on, has a gradient.</summary>
    OntoEven,

    /// <summary>As <see cref="OntoAll"/>, but only every other tensor, from the second on, has a gradient.</summary>
    OntoOdd,
}

/// <summary>Runs a case on a device.</summary>
public static class CaseRun
{
    /// <summary>
    /// Runs a case and returns everything that it computed. New tensors are poisoned, inputs and gradients are guarded, and nothing may be left behind.
    /// </summary>
    /// <exception cref="ConformanceException">A leak, a changed input, a write out of bounds, or a gradient that never came.</exception>
    public static IReadOnlyList<CaseResult> Run(OpCase opCase, Device device, Usage usage = Usage.Once)
    {
        device.PoisonNewTensors = true;
        int blocks = device.Memory.LiveBlocks;
        IReadOnlyList<CaseResult> results;
        using (var tensors = new CaseTensors(opCase, device))
        {
            switch (opCase)
            {
                case TapeCase tapeCase:
                    RunOnTape(tapeCase, device, tensors, usage);
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

    /// <summary>What is in the gradient of a tensor before a run that adds to it; null where the run starts from nothing.</summary>
    public static double[]? Prior(TapeCase tapeCase, string name, Usage usage)
    {
        var differentiable = tapeCase.Tensors.Where(t => t.Role == Role.Differentiable).ToList();
        int index = differentiable.FindIndex(t => t.Name == name);
        bool onto = usage == Usage.OntoAll || usage == (index % 2 == 0 ? Usage.OntoEven : Usage.OntoOdd);
        return onto ? CaseTensor.Draw("prior ∂" + name, differentiable[index].Shape) : null;
    }

    /// <summary>Runs a case forward: its output, or the sum of two where the usage says so.</summary>
    internal static Tensor Forward(Tape tape, TapeCase tapeCase, CaseTensors tensors, Usage usage)
    {
        var y = tapeCase.Forward(tape, tensors);
        return usage == Usage.Twice ? tape.Add(y, tapeCase.Forward(tape, tensors)) : y;
    }

    /// <summary>The random numbers, of order one, that every case's backward starts from.</summary>
    internal static double[] Cotangent(Shape shape) => CaseTensor.Draw("cotangent", shape);

    private static void RunOnTape(TapeCase tapeCase, Device device, CaseTensors tensors, Usage usage)
    {
        string[] differentiable = [.. tapeCase.Tensors.Where(t => t.Role == Role.Differentiable).Select(t => t.Name)];
        var arena = new Dictionary<string, GuardedTensor>();
        try
        {
            foreach (string name in usage == Usage.WithoutArena ? [] : differentiable)
            {
                arena[name] = new GuardedTensor(device, "∂" + name, tensors[name].Shape);
                var bound = tensors[name].BindGradient(arena[name].Content);
                if (Prior(tapeCase, name, usage) is { } prior)
                {
                    bound.Upload(prior);
                }
            }
            using var tape = new Tape(device, recording: true);
            var y = Forward(tape, tapeCase, tensors, usage);
            tensors.Report("y", y);
            if (differentiable.Length > 0)
            {
                using var cotangent = new GuardedTensor(device, "cotangent", y.Shape);
                cotangent.Content.Upload(Cotangent(y.Shape));
                tape.Backward(y, cotangent.Content);
            }
            foreach (string name in differentiable)
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
