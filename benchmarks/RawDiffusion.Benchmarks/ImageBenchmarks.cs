using BenchmarkDotNet.Attributes;
using RawDiffusion.Images;
using SkiaSharp;

namespace RawDiffusion.Benchmarks;

/// <summary>Reading and writing of pictures: gradients with noise, as photographs have it.</summary>
public class ImageBenchmarks
{
    private Image _image = null!;
    private byte[] _png = null!, _jpeg = null!;

    [Params(32, 512)]
    public int Side { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _image = new Image(Side, Side, 3);
        var random = new Random(1);
        for (int i = 0; i < _image.Pixels.Length; i++)
        {
            int x = i / 3 % Side, y = i / 3 / Side;
            double wave = 127 + 60 * Math.Sin(x * (0.05 + 0.03 * (i % 3))) + 50 * Math.Cos(y * 0.07) + random.Next(-8, 9);
            _image.Pixels[i] = (byte)Math.Clamp(wave, 0, 255);
        }
        _png = PngWriter.Encode(_image);
        using var data = SKData.CreateCopy(_png);
        using var bitmap = SKBitmap.Decode(data);
        using var jpeg = bitmap.Encode(SKEncodedImageFormat.Jpeg, 90);
        _jpeg = jpeg.ToArray();
    }

    [Benchmark]
    public Image ReadPng() => ImageDecoder.Default.Decode(_png);

    [Benchmark]
    public Image ReadJpeg() => ImageDecoder.Default.Decode(_jpeg);

    [Benchmark]
    public byte[] WritePng() => PngWriter.Encode(_image);
}
