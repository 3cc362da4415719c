using RawDiffusion.Core;
using static RawDiffusion.Testing.CaseTensor;

namespace RawDiffusion.Testing;

/// <summary>Every value of a byte.</summary>
public static class PixelsToRealCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("every-byte", new(1, 256)),
        Case("n=1", new(1, 1)),
        Case("n=33", new(3, 11, 1)),
        Case("image", new(2, 5, 7, 3)),
    ];

    private static DeviceCase Case(string name, Shape shape)
    {
        var bytes = new double[shape.Count];
        for (int i = 0; i < bytes.Length; i++)
        {
            bytes[i] = 255 - i % 256;
        }
        return new DeviceCase("PixelsToReal", name, Tolerance.Elementwise, [new("pixels", shape, Role.Constant, bytes, DType.UInt8), Output("y", shape)],
            (device, of) => device.PixelsToReal(of["pixels"], of["y"]));
    }
}
