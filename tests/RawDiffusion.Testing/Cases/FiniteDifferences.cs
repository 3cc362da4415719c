using RawDiffusion.Core;

namespace RawDiffusion.Testing;

/// <summary>Checks the gradients of the reference device against central differences of its own forward.</summary>
public static class FiniteDifferences
{
    private const double Allowed = 1e-6;
    private const double Step = 1e-5;
    private const int EveryElementUpTo = 100, Samples = 24;

    /// <summary>
    /// Every gradient of a case, in one usage of its tensors, is the derivative of Σ cotangent·output: element by element for small tensors, for
    /// large ones at some elements and along some random directions.
    /// </summary>
    /// <param name="tapeCase">The case.</param>
    /// <param name="usage">How it uses its tensors.</param>
    /// <param name="device">A device in double precision.</param>
    /// <exception cref="ConformanceException">The direction that is furthest off.</exception>
    public static void Check(TapeCase tapeCase, Usage usage, Device device)
    {
        var results = CaseRun.Run(tapeCase, device, usage).ToLookup(r => r.Name);
        using var tensors = new CaseTensors(tapeCase, device);
        foreach (var (name, shape, role, values, _) in tapeCase.Tensors)
        {
            if (role != Role.Differentiable)
            {
                continue;
            }
            double[] gradient = results["∂" + name].Single().Values;
            double unit = Math.Max(Math.Sqrt(gradient.Sum(g => g * g) / gradient.Length), tapeCase.Tolerance.Floor);
            foreach (var (what, direction) in Directions(name, shape))
            {
                double expected = (LossAt(Step) - LossAt(-Step)) / (2 * Step);
                double got = Dot(gradient, direction), length = Math.Sqrt(Dot(direction, direction));
                if (!(Math.Abs(got - expected) <= Allowed * unit * length))
                {
                    throw new ConformanceException(
                        $"{tapeCase} on {device.Description}, tensors used {usage}: ∂{name} {what} is {got:R}, but central differences give {expected:R}");
                }

                double LossAt(double step)
                {
                    tensors[name].Upload(values.Zip(direction, (v, d) => v + step * d).ToArray());
                    return Loss(tapeCase, usage, device, tensors);
                }
            }
            tensors[name].Upload(values);
        }
    }

    /// <summary>A gradient that starts from a sum is that sum plus the gradient that starts from nothing.</summary>
    /// <param name="tapeCase">The case.</param>
    /// <param name="device">A device in double precision.</param>
    /// <exception cref="ConformanceException">The first element that is something else.</exception>
    public static void CheckSums(TapeCase tapeCase, Device device)
    {
        var alone = CaseRun.Run(tapeCase, device);
        var onto = CaseRun.Run(tapeCase, device, Usage.Onto);
        foreach (var (expected, got) in alone.Zip(onto).Where(pair => pair.First.Name.StartsWith('∂')))
        {
            double[] prior = CaseRun.Prior(tapeCase.Tensors.Single(t => "∂" + t.Name == expected.Name));
            for (int i = 0; i < prior.Length; i++)
            {
                double sum = prior[i] + expected.Values[i];
                if (!(Math.Abs(got.Values[i] - sum) <= 1e-12 * (1 + Math.Abs(prior[i]) + Math.Abs(expected.Values[i]))))
                {
                    throw new ConformanceException($"{tapeCase} on {device.Description}: element {i} of {got.Name} is {got.Values[i]:R}, but {prior[i]:R} + {expected.Values[i]:R} are due");
                }
            }
        }
    }

    /// <summary>Σ cotangent·y, whose derivative with respect to y is the cotangent that the backward starts from.</summary>
    private static double Loss(TapeCase tapeCase, Usage usage, Device device, CaseTensors tensors)
    {
        using var tape = new Tape(device, recording: false);
        var y = CaseRun.Forward(tape, tapeCase, tensors, usage);
        return Dot(y.ToArray<double>(), CaseRun.Cotangent(y.Shape));
    }

    private static IEnumerable<(string What, double[] Direction)> Directions(string name, Shape shape)
    {
        int count = (int)shape.Count;
        bool all = count <= EveryElementUpTo;
        for (int k = 0; k < (all ? count : Samples); k++)
        {
            int i = all ? k : (int)(Philox.Block(new UInt4((uint)k, 0, 0, 0), (ulong)count).X % count);
            double[] unit = new double[count];
            unit[i] = 1;
            yield return ($"at element {i}", unit);
        }
        for (int k = 0; k < (all ? 0 : Samples); k++)
        {
            yield return ($"along direction {k}", CaseTensor.Draw($"direction {k} of {name}", shape, 1 / Math.Sqrt(count)));
        }
    }

    private static double Dot(double[] a, double[] b) => a.Zip(b, (x, y) => x * y).Sum();
}
