using RawDiffusion.Core;

namespace RawDiffusion.Cases;

/// <summary>
/// A tensor between two guards of NaN: whoever reads beyond its ends gets NaN, and whoever writes there is caught. Like a parameter in its
/// arena, it is a slice that starts at a multiple of 64 bytes and ends anywhere.
/// </summary>
public sealed class GuardedTensor : IDisposable
{
    private const int GuardElements = 64;
    private readonly Tensor _arena;

    /// <summary>A guarded tensor of undefined content.</summary>
    public GuardedTensor(Device device, string name, Shape shape, DType? type = null)
    {
        _arena = new Tensor(device, new Shape(checked((int)shape.Count + 2 * GuardElements)), type, name);
        device.Fill(_arena.Address, _arena.Bytes, 0xFF);
        Content = _arena.Slice(GuardElements, shape);
    }

    /// <summary>The tensor.</summary>
    public Tensor Content { get; }

    /// <summary>Says where a guard was overwritten, or null.</summary>
    public string? Damage()
    {
        byte[] bytes = new byte[_arena.Bytes];
        _arena.Device.CopyToHost(_arena.Address, bytes);
        int guard = GuardElements * _arena.DType.Size();
        int end = bytes.Length - guard;
        int before = bytes.AsSpan(0, guard).LastIndexOfAnyExcept((byte)0xFF), after = bytes.AsSpan(end).IndexOfAnyExcept((byte)0xFF);
        return before >= 0 ? $"{guard - before} bytes before the start of {Content} were overwritten"
            : after >= 0 ? $"bytes were overwritten {after} bytes past the end of {Content}"
            : null;
    }

    /// <inheritdoc/>
    public void Dispose() => _arena.Dispose();
}
