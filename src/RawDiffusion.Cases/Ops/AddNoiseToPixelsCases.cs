using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>The forward process from a data set's bytes: every value of a byte, images in any order and more than once, mirrored within their border.</summary>
public static class AddNoiseToPixelsCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("every-byte", new(1, 16, 16, 1), [(0, false)]),
        Case("mirrored", new(2, 5, 7, 3), [(1, true), (0, false), (1, true)]),
        Case("bordered", new(3, 4, 8, 1), [(2, true), (2, false), (0, true)], left: 1, width: 5),
        Case("one-pixel", new(4, 1, 1, 1), [(3, true), (1, false)]),
        Case("long-rows", new(2, 3, 31, 33), [(1, false), (0, true)], left: 3, width: 28),
        Case("given", new(2, 5, 4, 3), [(1, true), (0, false)], given: true),
    ];

    private static DeviceCase Case(string name, Shape images, (int Image, bool Mirrored)[] picks, int left = 0, int? width = null, bool given = false)
    {
        Shape batch = new(picks.Length, images[1], images[2], images.C);
        double[] bytes = [.. Enumerable.Range(0, (int)images.Count).Select(i => (double)(255 - (i * 37 + i / 256) % 256))];
        double[] rows = [.. picks.SelectMany(p => (double[])[p.Image, p.Mirrored ? 1 : 0])];
        CaseTensor[] optional = given ? [Constant("noise", batch)] : [];
        return new DeviceCase("AddNoiseToPixels", name, Tolerance.Elementwise,
            [
                new("pixels", images, Role.Constant, bytes, DType.UInt8), new("picks", new(picks.Length, 2), Role.Constant, rows, DType.Int32),
                Constant("coefficients", new(batch.N, 4)), Integers("position", 2, 7), .. optional, Output("xt", batch), Output("target", batch),
            ],
            (device, of) => device.AddNoiseToPixels(
                of["pixels"], of["picks"], left, width ?? images[2], of["coefficients"], of.Find("noise"), NoiseStreams.Of(of), of["xt"], of["target"]));
    }
}
