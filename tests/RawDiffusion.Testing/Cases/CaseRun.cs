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

    /// <summary>½·Σ(y − target)², whose cotangent y − target is random and of order one.</summary>
    internal static Tensor Loss(Tape tape, TapeCase tapeCase, CaseTensors tensors, Usage usage, List<Tensor> owned, bool report)
    {
        var y = tapeCase.Forward(tape, tensors);
        if (usage == Usage.Twice)
        {
            y = tape.Add(y, tapeCase.Forward(tape, tensors));
        }
        if (report)
        {
            tensors.Report("y", y);
        }
        var target = new Tensor(tape.Device, y.Shape, null, "target").Upload(CaseTensor.Draw("target", y.Shape));
        owned.Add(target);
        var weights = new Tensor(tape.Device, new Shape(y.Shape.N), null, "weights").Upload(Enumerable.Repeat(y.Shape.Count / 2.0, y.Shape.N).ToArray());
        owned.Add(weights);
        return tape.MeanSquaredError(y, target, weights).Loss;
    }

    private static void RunOnTape(TapeCase tapeCase, Device device, CaseTensors tensors, Usage usage)
    {
        var differentiable = tapeCase.Tensors.Where(t => t.Role == Role.Differentiable).ToList();
        var gradients = new Dictionary<string, GuardedTensor>();
        var owned = new List<Tensor>();
        try
        {
            foreach (var (name, shape, _, _, _) in differentiable.Where(_ => usage != Usage.WithoutArena))
            {
                gradients[name] = new GuardedTensor(device, "∂" + name, shape);
                tensors[name].Gradient = gradients[name].Content;
                if (Prior(tapeCase, name, usage) is { } prior)
                {
                    gradients[name].Content.Upload(prior);
                    tensors[name].HasGradient = true;
                }
            }
            using var tape = new Tape(device, recording: true);
            var loss = Loss(tape, tapeCase, tensors, usage, owned, report: true);
            if (differentiable.Count > 0)
            {
                tape.Backward(loss);
            }
            tensors.Report("loss", loss);
            foreach (var (name, _, _, _, _) in differentiable)
            {
                var (gradient, has) = (tensors[name].Gradient, tensors[name].HasGradient);
                if (gradient is null || !has)
                {
                    throw new ConformanceException($"{tapeCase} on {device.Description}: no gradient came to {tensors[name]}");
                }
                tensors.Report("∂" + name, gradient);
                if (gradients.TryGetValue(name, out var guarded) && guarded.Damage() is { } damage)
                {
                    throw new ConformanceException($"{tapeCase} on {device.Description}: {damage}");
                }
            }
        }
        finally
        {
            foreach (var (name, _, _, _, _) in differentiable.Where(t => !gradients.ContainsKey(t.Name)))
            {
                tensors[name].Gradient?.Dispose();
            }
            foreach (var guarded in gradients.Values)
            {
                guarded.Dispose();
            }
            foreach (var tensor in owned)
            {
                tensor.Dispose();
            }
        }
    }
}
