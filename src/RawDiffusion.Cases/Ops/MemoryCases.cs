using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Copies and fills of sizes that are no multiple of a word.</summary>
public static class MemoryCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        new DeviceCase("Memory", "copy", Tolerance.Exact, [Constant("x", new(33)), Output("y", new(3, 11))], (_, of) => of["y"].CopyFrom(of["x"])),
        new DeviceCase("Memory", "copy-a-slice", Tolerance.Exact, [Constant("x", new(33)), Output("y", new(5))],
            (_, of) => of["y"].CopyFrom(of["x"].Slice(7, new(5)))),
        new DeviceCase("Memory", "copy-bytes", Tolerance.Exact, [Bytes("x", Role.Constant), Bytes("y", Role.Output)], (_, of) => of["y"].CopyFrom(of["x"])),
        new DeviceCase("Memory", "clear", Tolerance.Exact, [State("x", new(33))], (_, of) => of["x"].Clear()),
        new DeviceCase("Memory", "clear-a-slice", Tolerance.Exact, [State("x", new(33))], (_, of) => of["x"].Slice(5, new(3)).Clear()),
        new DeviceCase("Memory", "fill-bytes", Tolerance.Exact, [Bytes("x", Role.State)], (device, of) => device.Fill(of["x"].Address + 3, 2, 7)),
    ];

    private static CaseTensor Bytes(string name, Role role) => new(name, new(7), role, [1, 2, 3, 4, 5, 254, 255], DType.UInt8);
}
