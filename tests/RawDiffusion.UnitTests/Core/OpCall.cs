using RawDiffusion.Core;

namespace RawDiffusion.UnitTests;

/// <summary>What is wrong with one argument of an op.</summary>
public enum Flaw
{
    /// <summary>Nothing.</summary>
    None,

    /// <summary>One channel too many.</summary>
    Wide,

    /// <summary>A dimension of 1 too many.</summary>
    Deep,

    /// <summary>Elements of another type.</summary>
    Type,

    /// <summary>In the memory of another device.</summary>
    Elsewhere,

    /// <summary>Its memory was given back.</summary>
    Disposed,
}

/// <summary>The arguments of one call of an op, each made when it is named, one of them with a flaw.</summary>
internal sealed class OpCall(Device device, Device elsewhere, string flawed = "", Flaw flaw = Flaw.None) : IDisposable
{
    private readonly Dictionary<string, Tensor> _tensors = [];
    private readonly Dictionary<string, long> _versions = [];
    private readonly HashSet<string> _outputs = [], _ofAnyShape = [], _matrices = [];

    /// <summary>An input of real numbers.</summary>
    public Tensor this[string name, params int[] extents] => Make(name, extents, device.Real);

    /// <summary>Where numbers are drawn from.</summary>
    public RandomStream Stream => new(1, RandomPurpose.Noise, Integers("position", 2));

    /// <summary>Every argument that may have a flaw.</summary>
    public IEnumerable<string> Names => _tensors.Keys;

    /// <summary>An input of integers.</summary>
    public Tensor Integers(string name, params int[] extents) => Make(name, extents, DType.Int32);

    /// <summary>An input of bytes.</summary>
    public Tensor Bytes(string name, params int[] extents) => Make(name, extents, DType.UInt8);

    /// <summary>A tensor that the op writes.</summary>
    public Tensor Out(string name, params int[] extents)
    {
        _outputs.Add(name);
        return this[name, extents];
    }

    /// <summary>A gradient that the op overwrites.</summary>
    public Sink Into(string name, params int[] extents) => Sink.Into(Out(name, extents));

    /// <summary>Says that a tensor is the only one of its shape, which may be any.</summary>
    public Tensor OfAnyShape(Tensor tensor)
    {
        _ofAnyShape.Add(tensor.Name);
        return tensor;
    }

    /// <summary>Says that a tensor may have extents of 1 between its rows and columns.</summary>
    public Tensor Matrix(Tensor tensor)
    {
        _matrices.Add(tensor.Name);
        return tensor;
    }

    /// <summary>Whether an argument with this flaw does not fit.</summary>
    public bool Matters(string name, Flaw kind) => kind switch
    {
        Flaw.Wide => !_ofAnyShape.Contains(name),
        Flaw.Deep => !_ofAnyShape.Contains(name) && !_matrices.Contains(name),
        _ => true,
    };

    /// <summary>The arguments that were marked as written, and those that should have been.</summary>
    public (IEnumerable<string> Marked, IEnumerable<string> Written) Marks() =>
        (_tensors.Values.Where(t => t.Version != _versions[t.Name]).Select(t => t.Name).Order(), _outputs.Order());

    public void Dispose()
    {
        foreach (var tensor in _tensors.Values)
        {
            tensor.Dispose();
        }
    }

    private Tensor Make(string name, int[] extents, DType type)
    {
        if (_tensors.TryGetValue(name, out var made))
        {
            return made;
        }
        var kind = name == flawed ? flaw : Flaw.None;
        int[] shape = kind switch
        {
            Flaw.Wide => [.. extents[..^1], extents[^1] + 1],
            Flaw.Deep => extents.Length == 4 ? extents[1..] : [.. extents[..^1], 1, extents[^1]],
            _ => extents,
        };
        var elements = kind != Flaw.Type ? type : type == DType.Int32 ? DType.UInt8 : DType.Int32;
        var tensor = new Tensor(kind == Flaw.Elsewhere ? elsewhere : device, new Shape(shape), elements, name).Clear();
        if (kind == Flaw.Disposed)
        {
            tensor.Dispose();
        }
        (_tensors[name], _versions[name]) = (tensor, tensor.Version);
        return tensor;
    }
}
