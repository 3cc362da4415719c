namespace RawDiffusion.Core;

/// <summary>
/// Tensors of a device in the place of those that an <see cref="OpCall"/> had on a <see cref="ShapeDevice"/>, each made when it is first asked for.
/// They hold random numbers, for zeros run faster than real data on a processor short of power: standard normal ones; in vectors, which may be
/// norms, settings or second moments, uniform ones between 0 and 1; integers are zeros, which are valid labels, picks and positions.
/// </summary>
/// <param name="device">Where they live.</param>
public sealed class StandIns(Device device) : IDisposable
{
    private readonly Dictionary<Tensor, Tensor> _tensors = [];
    private readonly Random _random = new(1);
    private Tensor? _position;

    /// <summary>Where they live.</summary>
    public Device Device => device;

    /// <summary>What stands in for a tensor.</summary>
    public Tensor this[Tensor tensor] => _tensors.TryGetValue(tensor, out var standIn) ? standIn : _tensors[tensor] = Make(tensor);

    /// <summary>What stands in for a gradient's sink.</summary>
    public Sink this[Sink sink] => new(OrNull(sink.Tensor), sink.Accumulate);

    /// <summary>What stands in for a stream.</summary>
    public RandomStream this[RandomStream stream] => stream.Position is null ? stream : stream with { Position = this[stream.Position] };

    /// <summary>What stands in for a tensor that may be left out.</summary>
    public Tensor? OrNull(Tensor? tensor) => tensor is null ? null : this[tensor];

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _tensors.Values)
        {
            tensor.Dispose();
        }
        _tensors.Clear();
        _position?.Dispose();
    }

    private Tensor Make(Tensor original)
    {
        var type = original.DType == original.Device.Real ? device.Real : original.DType;
        var tensor = new Tensor(device, original.Shape, type, original.Name);
        switch (type)
        {
            case DType.Int32:
                return tensor.Clear();
            case DType.UInt8:
                byte[] bytes = new byte[tensor.Shape.Count];
                _random.NextBytes(bytes);
                return tensor.Upload(bytes);
            case var _ when tensor.Shape.Rank == 1:
                float[] numbers = new float[tensor.Shape.Count];
                foreach (ref float number in numbers.AsSpan())
                {
                    number = 1 - _random.NextSingle();
                }
                return tensor.Upload(numbers);
            default:
                _position ??= new Tensor(device, new Shape(2), DType.Int32, "position").Clear();
                device.FillNormal(tensor, new RandomStream((ulong)_tensors.Count, RandomPurpose.Noise, _position));
                return tensor;
        }
    }
}
