using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Two images by a mask: hard, soft, with nothing usable where the mask leaves it out, in place.</summary>
public static class BlendCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("soft", new(2, 3, 5, 3), i => i % 7 / 6.0),
        Case("hard,n=1025", new(1, 1025), i => i % 3 == 0 ? 1 : 0),
        new DeviceCase("Blend", "what-is-left-out-may-be-anything", Tolerance.Elementwise,
            [Given("mask", new(6), 0, 1, 0, 1, 0.5, 1), Given("a", new(6), double.NaN, 2, double.PositiveInfinity, 4, 5, 6),
                Given("b", new(6), 1, double.NaN, 3, double.NegativeInfinity, 5, 6), Output("y", new(6))],
            (device, of) => device.Blend(of["mask"], of["a"], of["b"], of["y"])),
        .. ((string[])["mask", "a", "b"]).Select(target => new DeviceCase("Blend", $"onto-{target}", Tolerance.Elementwise,
            [.. ((string[])["mask", "a", "b"]).Select(name => target == name ? State(name, new(3, 11), 0.2, 0.5) : Constant(name, new(3, 11), 0.2, 0.5))],
            (device, of) => device.Blend(of["mask"], of["a"], of["b"], of[target]))),
    ];

    private static DeviceCase Case(string name, Shape shape, Func<int, double> mask) => new("Blend", name, Tolerance.Elementwise,
        [Given("mask", shape, [.. Enumerable.Range(0, (int)shape.Count).Select(mask)]), Constant("a", shape), Constant("b", shape), Output("y", shape)],
        (device, of) => device.Blend(of["mask"], of["a"], of["b"], of["y"]));
}
