using RawDiffusion.Core;

namespace RawDiffusion.Data;

/// <summary>
/// The built-in set: one bold, saturated, antialiased shape per image on a dark ground, drawn from the image's number alone.
/// Classes take turns. The same bytes on every machine.
/// </summary>
public sealed class ShapesDataset : IDataset
{
    private const ulong Key = 0x5368617065735631;

    /// <summary>A set of so many images of [size, size, 3].</summary>
    /// <exception cref="ConfigurationException">No images, or images smaller than 8×8 or larger than 1024×1024, are asked for.</exception>
    public ShapesDataset(int count = 10_000, int size = 32)
    {
        if (count < 1 || size is < 8 or > 1024)
        {
            throw new ConfigurationException($"The built-in set of shapes was asked for {count} images of {size}×{size}; it has "
                + "at least 1 image, of 8×8 to 1024×1024.");
        }
        (Count, Height) = (count, size);
        using var fingerprint = new Fingerprint().Add("shapes, version 1").Add(count).Add(size);
        Fingerprint = fingerprint.Finish();
    }

    /// <inheritdoc/>
    public int Count { get; }

    /// <inheritdoc/>
    public int Height { get; }

    /// <inheritdoc/>
    public int Width => Height;

    /// <inheritdoc/>
    public int Channels => 3;

    /// <inheritdoc/>
    public IReadOnlyList<string> ClassNames => ShapeOutline.Names;

    /// <inheritdoc/>
    public string Description =>
        $"{Count:N0} RGB images of {Height}×{Width} in {ClassNames.Count} classes, the built-in shapes";

    /// <inheritdoc/>
    public string Fingerprint { get; }

    /// <inheritdoc/>
    public int Label(int index) => index % ShapeOutline.Names.Length;

    /// <inheritdoc/>
    public void Read(int index, Span<byte> hwc)
    {
        var random = new Draws(index);
        int size = Height, shape = Label(index);
        double radius = size * random.Between(0.30, 0.40);
        double centreX = size * random.Between(0.45, 0.55), centreY = size * random.Between(0.45, 0.55);

        // cos and sin of a turn by up to ±20°, from the tangent of its half, because library sines differ in their last bit.
        double t = random.Between(-0.18, 0.18), cos = (1 - t * t) / (1 + t * t), sin = 2 * t / (1 + t * t);
        var colour = Hue(random.Between(0, 6), random.Between(0.75, 1), random.Between(0.9, 1));
        var ground = Hue(random.Between(0, 6), random.Between(0, 0.5), random.Between(0.08, 0.18));
        double slopeX = random.Between(-0.3, 0.3), slopeY = random.Between(-0.3, 0.3);

        for (int i = 0; i < size * size; i++)
        {
            double x = i % size + 0.5, y = i / size + 0.5;
            double dx = (x - centreX) / radius, dy = (centreY - y) / radius;
            double distance = ShapeOutline.Distance(shape, cos * dx + sin * dy, cos * dy - sin * dx) * radius;
            double coverage = Math.Clamp(0.5 - distance, 0, 1);
            double shade = 1 + slopeX * (2 * x / size - 1) + slopeY * (2 * y / size - 1);
            hwc[3 * i] = Mix(ground.R * shade, colour.R, coverage);
            hwc[3 * i + 1] = Mix(ground.G * shade, colour.G, coverage);
            hwc[3 * i + 2] = Mix(ground.B * shade, colour.B, coverage);
        }
    }

    private static byte Mix(double ground, double colour, double coverage) => (byte)(255 * (ground + (colour - ground) * coverage) + 0.5);

    // Hue in [0, 6) from red over yellow, green, cyan, blue and magenta; saturation and value in [0, 1].
    private static (double R, double G, double B) Hue(double hue, double saturation, double value)
    {
        double Channel(double offset)
        {
            double k = (offset + hue) % 6;
            return value * (1 - saturation * Math.Clamp(Math.Min(k, 4 - k), 0, 1));
        }
        return (Channel(5), Channel(3), Channel(1));
    }

    /// <summary>The uniform random numbers of one image, one after the other.</summary>
    private struct Draws(int index)
    {
        private UInt4 _block;
        private uint _used;

        public double Between(double low, double high)
        {
            if (_used % 4 == 0)
            {
                _block = Philox.Block(new UInt4((uint)index, _used / 4, 0, 0), Key);
            }
            uint bits = (_used++ % 4) switch { 0 => _block.X, 1 => _block.Y, 2 => _block.Z, _ => _block.W };
            return low + (high - low) * Philox.Uniform(bits);
        }
    }
}
