using RawDiffusion.Core;

namespace RawDiffusion.Cases;

/// <summary>A tensor of an <see cref="OpCase"/>, with the same content on every device: numbers that single precision represents exactly.</summary>
/// <param name="Name">What the case and its messages call it.</param>
/// <param name="Shape">Its extents.</param>
/// <param name="Role">What happens to it.</param>
/// <param name="Values">Its content; ignored for an output.</param>
/// <param name="Type">Its element type; the device's real type if null.</param>
public sealed record CaseTensor(string Name, Shape Shape, Role Role, double[] Values, DType? Type = null)
{
    /// <summary>Normal numbers that a gradient is wanted for.</summary>
    public static CaseTensor Differentiable(string name, Shape shape, double scale = 1, double mean = 0) =>
        new(name, shape, Role.Differentiable, Draw(name, shape, scale, mean));

    /// <summary>Normal numbers.</summary>
    public static CaseTensor Constant(string name, Shape shape, double scale = 1, double mean = 0) =>
        new(name, shape, Role.Constant, Draw(name, shape, scale, mean));

    /// <summary>Given numbers.</summary>
    public static CaseTensor Given(string name, Shape shape, params double[] values) =>
        new(name, shape, Role.Constant, [.. values.Select(v => (double)(float)v)]);

    /// <summary>Given integers, as a vector.</summary>
    public static CaseTensor Integers(string name, params int[] values) =>
        new(name, new Shape(values.Length), Role.Constant, [.. values.Select(v => (double)v)], DType.Int32);

    /// <summary>Normal numbers that the case changes.</summary>
    public static CaseTensor State(string name, Shape shape, double scale = 1, double mean = 0) =>
        new(name, shape, Role.State, Draw(name, shape, scale, mean));

    /// <summary>A tensor that the case writes.</summary>
    public static CaseTensor Output(string name, Shape shape) => new(name, shape, Role.Output, []);

    /// <summary>Normal numbers that depend on the name alone, rounded to single precision.</summary>
    public static double[] Draw(string name, Shape shape, double scale = 1, double mean = 0)
    {
        ulong key = 14695981039346656037; // FNV-1a, because string.GetHashCode differs from process to process
        foreach (char c in name)
        {
            key = (key ^ c) * 1099511628211;
        }
        double[] values = new double[shape.Count];
        for (int i = 0; i < values.Length; i++)
        {
            var block = Philox.Block(new UInt4((uint)i, 0, 0, 0), key);
            values[i] = (float)(mean + scale * BoxMuller.Pair(block.X, block.Y).First);
        }
        return values;
    }
}
