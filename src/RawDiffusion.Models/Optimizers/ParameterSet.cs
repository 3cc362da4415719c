using RawDiffusion.Core;

namespace RawDiffusion.Models;

/// <summary>
/// The persistent memory of a network: all weights side by side in one flat arena, and for training as many more for gradients, Adam's
/// moments and the moving average, so that clipping, Adam and EMA are one launch each. Parameters start at multiples of 16 elements;
/// the gaps hold zeros.
/// </summary>
public sealed class ParameterSet : IDisposable
{
    private const int Alignment = 16;
    private readonly Dictionary<string, (Parameter Parameter, long Offset)> _byName = [];
    private readonly List<Tensor> _arenas = [];

    /// <summary>Gives the parameters memory; their values are zero until <see cref="Initialize"/> or an upload.</summary>
    /// <param name="parameters">Every parameter of the network, in a fixed order, with distinct names.</param>
    /// <param name="device">Where.</param>
    /// <param name="training">Whether gradients, moments and the moving average are wanted too.</param>
    /// <exception cref="DeviceException">The device has no memory left.</exception>
    public ParameterSet(IReadOnlyList<Parameter> parameters, Device device, bool training)
    {
        Parameters = parameters;
        long size = 0;
        foreach (var parameter in parameters)
        {
            _byName.Add(parameter.Name, (parameter, size));
            size += (parameter.Shape.Count + Alignment - 1) / Alignment * Alignment;
            Count += parameter.Shape.Count;
        }
        Tensor Arena(string name)
        {
            _arenas.Add(new Tensor(device, new Shape(checked((int)size)), null, name));
            return _arenas[^1].Clear();
        }

        try
        {
            Values = Arena("weights");
            if (training)
            {
                Gradients = Arena("gradients");
                FirstMoment = Arena("Adam's first moments");
                SecondMoment = Arena("Adam's second moments");
                Ema = Arena("the moving average");
            }
        }
        catch
        {
            Dispose();
            throw;
        }
        Bind(Values, training);
    }

    /// <summary>Every parameter, in the network's order.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>The number of weights, gaps not counted.</summary>
    public long Count { get; }

    /// <summary>The arena of weights.</summary>
    public Tensor Values { get; }

    /// <summary>The arena of gradients, for training.</summary>
    public Tensor? Gradients { get; }

    /// <summary>The arena of Adam's m, for training.</summary>
    public Tensor? FirstMoment { get; }

    /// <summary>The arena of Adam's v, for training.</summary>
    public Tensor? SecondMoment { get; }

    /// <summary>The arena of the moving average, for training.</summary>
    public Tensor? Ema { get; }

    /// <summary>A parameter's slice of an arena.</summary>
    /// <exception cref="KeyNotFoundException">No parameter has this name.</exception>
    public Tensor Slice(Tensor arena, string name)
    {
        var (parameter, offset) = _byName[name];
        return arena.Slice(offset, parameter.Shape, name);
    }

    /// <summary>Starts every parameter as it declared, from Philox keyed by the seed and the parameter's index; the moving average starts as a copy.</summary>
    public void Initialize(ulong seed)
    {
        for (int i = 0; i < Parameters.Count; i++)
        {
            var parameter = Parameters[i];
            float[] values = new float[parameter.Shape.Count];
            Fill(values, parameter, seed, (uint)i);
            Slice(Values, parameter.Name).Upload(values);
        }
        Ema?.CopyFrom(Values);
    }

    /// <summary>Says that no gradient has been brought yet: the next backward pass overwrites.</summary>
    public void ForgetGradients()
    {
        foreach (var parameter in Parameters)
        {
            parameter.Value.BoundGradient?.Forget();
        }
    }

    /// <summary>Sets to zero the gradients that no backward pass has brought since <see cref="ForgetGradients"/>.</summary>
    public void ClearMissingGradients()
    {
        foreach (var parameter in Parameters)
        {
            if (parameter.Value.BoundGradient is { HasSum: false } missing)
            {
                missing.Sum.Clear();
            }
        }
    }

    /// <summary>Lets the network compute with the moving average until the result is disposed.</summary>
    /// <exception cref="InvalidOperationException">The set was not made for training.</exception>
    public IDisposable UseEma()
    {
        Bind(Ema ?? throw new InvalidOperationException("only a set made for training has a moving average"), false);
        return new Rebind(this);
    }

    /// <summary>Frees every arena.</summary>
    public void Dispose()
    {
        foreach (var arena in _arenas)
        {
            arena.Dispose();
        }
    }

    private void Bind(Tensor arena, bool withGradients)
    {
        foreach (var (parameter, _) in _byName.Values)
        {
            parameter.Value = Slice(arena, parameter.Name);
            if (withGradients)
            {
                parameter.Value.BindGradient(Slice(Gradients!, parameter.Name));
            }
        }
    }

    private static void Fill(float[] values, Parameter parameter, ulong seed, uint index)
    {
        switch (parameter.Initialization)
        {
            case Initialization.Ones:
                Array.Fill(values, 1f);
                break;
            case Initialization.FanAverageUniform:
                var (fanIn, fanOut) = parameter.Fans();
                float bound = (float)Math.Sqrt(3 / ((fanIn + fanOut) / 2.0));
                ForEachBlock(values, seed, index, static (bits, bound) => (2 * Philox.Uniform(bits) - 1) * bound, bound);
                break;
            case Initialization.Normal:
                for (int i = 0; i < values.Length; i += 2)
                {
                    var bits = Philox.Block(new UInt4((uint)i / 2, 0, index, (uint)RandomPurpose.Initialization), seed);
                    (values[i], float second) = BoxMuller.Pair(bits.X, bits.Y);
                    if (i + 1 < values.Length)
                    {
                        values[i + 1] = second;
                    }
                }
                break;
        }
    }

    private static void ForEachBlock(float[] values, ulong seed, uint index, Func<uint, float, float> map, float argument)
    {
        for (int i = 0; i < values.Length; i += 4)
        {
            var bits = Philox.Block(new UInt4((uint)i / 4, 0, index, (uint)RandomPurpose.Initialization), seed);
            ReadOnlySpan<uint> words = [bits.X, bits.Y, bits.Z, bits.W];
            for (int lane = 0; lane < 4 && i + lane < values.Length; lane++)
            {
                values[i + lane] = map(words[lane], argument);
            }
        }
    }

    private sealed class Rebind(ParameterSet set) : IDisposable
    {
        public void Dispose() => set.Bind(set.Values, set.Gradients is not null);
    }
}
