using RawDiffusion.Core;
using static RawDiffusion.Cases.CaseTensor;

namespace RawDiffusion.Cases;

/// <summary>Convolutions: kernels of 1, 3 and 5, strides of 1, 2 and 3, both paddings, ragged extents, and each fused part.</summary>
public static class Conv2dCases
{
    /// <summary>The cases.</summary>
    public static IEnumerable<OpCase> All =>
    [
        Case("3x3", new(2, 5, 5, 4), 8, 3),
        Case("3x3,bias", new(2, 4, 6, 3), 5, 3, "bias"),
        Case("3x3,channel-add", new(3, 4, 4, 2), 3, 3, "channelAdd"),
        Case("3x3,residual", new(2, 3, 3, 2), 3, 3, "residual"),
        Case("3x3,bias,channel-add,residual", new(2, 5, 7, 3), 4, 3, "bias,channelAdd,residual"),
        Case("3x3,one-pixel", new(1, 1, 1, 3), 2, 3, "bias"),
        Case("3x3,one-channel", new(1, 7, 5, 1), 1, 3, "bias"),
        Case("3x3,c=33-to-31", new(1, 3, 5, 33), 31, 3, "bias,channelAdd,residual"),
        Case("3x3,c=31-to-33,batch-3", new(3, 3, 3, 31), 33, 3, "bias"),
        Case("3x3,c=16-to-16", new(2, 9, 8, 16), 16, 3, "bias,residual"),
        Case("3x3,one-row", new(2, 1, 9, 4), 4, 3, "bias"),
        Case("3x3,one-column", new(2, 9, 1, 4), 4, 3, "bias"),
        Case("3x3,stride-2", new(2, 7, 9, 3), 5, 3, "bias,channelAdd,residual", stride: 2),
        Case("3x3,stride-2,bottom-right", new(2, 6, 8, 3), 5, 3, "bias", stride: 2, padding: Padding.BottomRight),
        Case("3x3,stride-2,bottom-right,odd", new(1, 7, 5, 33), 4, 3, "bias", stride: 2, padding: Padding.BottomRight),
        Case("3x3,stride-3", new(1, 8, 7, 2), 3, 3, "bias", stride: 3),
        Case("3x3,unpadded", new(2, 5, 6, 3), 4, 3, "bias", padding: default(Padding)),
        Case("3x3,uneven-padding", new(2, 4, 5, 3), 4, 3, "bias", padding: new Padding(2, 0, 1, 3)),
        Case("5x5", new(2, 5, 7, 3), 4, 5, "bias"),
        Case("5x5,image-smaller-than-kernel", new(2, 2, 3, 3), 4, 5, "bias,residual"),
        Case("5x5,stride-2", new(1, 9, 7, 2), 3, 5, "bias,channelAdd", stride: 2),
        Case("1x1", new(2, 3, 5, 7), 4, 1, "bias,residual"),
        Case("1x1,channel-add", new(2, 3, 5, 7), 4, 1, "bias,channelAdd,residual"),
        Case("1x1,stride-2", new(2, 5, 7, 6), 5, 1, "bias", stride: 2),
        Case("1x1,c=33-to-31", new(1, 5, 3, 33), 31, 1, "bias"),
        ResidualMadeByAnOp,
        FrozenWeights,
        ConstantInput,
        WeightsReplaced,
    ];

    /// <summary>Whatever a device derived from the old weights must not outlive them.</summary>
    private static DeviceCase WeightsReplaced => new("Conv2d", "3x3,weights-replaced", Tolerance.Sum,
        [
            Constant("x", new(2, 4, 5, 3)), State("w", new(4, 3, 3, 3)), Constant("others", new(4, 3, 3, 3)),
            Output("before", new(2, 4, 5, 4)), Output("uploaded", new(2, 4, 5, 4)), Output("dx before", new(2, 4, 5, 3)),
                Output("copied", new(2, 4, 5, 4)), Output("dx", new(2, 4, 5, 3)),
        ],
        (device, of) =>
        {
            var geometry = new ConvGeometry(2, 4, 5, 3, 4, 3, 1, 1, 1, 1, 1);
            device.Conv2d(of["x"], of["w"], null, null, null, of["before"], geometry);
            device.Conv2dBackwardInput(of["before"], of["w"], Sink.Into(of["dx before"]), geometry);
            of["w"].Upload(Draw("weights of later", new(4, 3, 3, 3)));
            device.Conv2d(of["x"], of["w"], null, null, null, of["uploaded"], geometry);
            of["w"].CopyFrom(of["others"]);
            device.Conv2d(of["x"], of["w"], null, null, null, of["copied"], geometry);
            device.Conv2dBackwardInput(of["before"], of["w"], Sink.Into(of["dx"]), geometry);
        });

    /// <summary>The residual's gradient may take over the output's instead of copying it.</summary>
    private static TapeCase ResidualMadeByAnOp => new("Conv2d", "3x3,residual-made-by-an-op", Tolerance.Sum,
        [Differentiable("x", new(2, 3, 4, 3)), Differentiable("w", new(3, 3, 3, 3), 0.3), Differentiable("bias", new(3))],
        (tape, of) => tape.Conv2d(tape.Silu(of["x"]), of["w"], of["bias"], residual: tape.Scale(of["x"], 2)));

    private static TapeCase FrozenWeights => new("Conv2d", "3x3,frozen-weights", Tolerance.Sum,
        [Differentiable("x", new(2, 3, 4, 3)), Constant("w", new(2, 3, 3, 3), 0.3), Differentiable("bias", new(2)), Constant("channelAdd", new(2, 2))],
        (tape, of) => tape.Conv2d(of["x"], of["w"], of["bias"], channelAdd: of["channelAdd"]));

    private static TapeCase ConstantInput => new("Conv2d", "3x3,constant-input", Tolerance.Sum,
        [Constant("x", new(2, 3, 4, 3)), Differentiable("w", new(2, 3, 3, 3), 0.3), Constant("bias", new(2))],
        (tape, of) => tape.Conv2d(of["x"], of["w"], of["bias"]));

    private static TapeCase Case(string name, Shape x, int cout, int kernel, string parts = "", int stride = 1, Padding? padding = null)
    {
        var pad = padding ?? Padding.All(kernel / 2);
        var g = new ConvGeometry(x[0], x[1], x[2], x[3], cout, kernel, stride, pad.Top, pad.Left, pad.Bottom, pad.Right);
        CaseTensor[] possible =
        [
            Differentiable("bias", new(cout)), Differentiable("channelAdd", new(g.N, cout)), Differentiable("residual", new(g.N, g.OutH, g.OutW, cout)),
        ];
        return new TapeCase("Conv2d", name, Tolerance.Sum,
            [
                Differentiable("x", x), Differentiable("w", new(cout, kernel, kernel, x.C), 1 / Math.Sqrt(kernel * kernel * x.C)),
                .. possible.Where(t => parts.Split(',').Contains(t.Name)),
            ],
            (tape, of) => tape.Conv2d(of["x"], of["w"], of.Find("bias"), stride, padding, of.Find("channelAdd"), of.Find("residual")));
    }
}
