using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Testing;

namespace RawDiffusion.CudaTests;

/// <summary>Every tile of the convolution kernels, whole sums and split ones, and tensors that are not aligned.</summary>
public class ConvolutionTests
{
    // With the emulated GPU's 4 multiprocessors. Kernels: forward, backward to the input, backward to the weights; then launches that add up parts.
    public static TheoryData<int[], int, string[], int> Tiles => new()
    {
        { [2, 5, 5, 128], 36, ["conv2d_128x128", "conv2d_64x64", "conv2d_weights_128x128"], 2 },
        { [3, 8, 8, 36], 64, ["conv2d_64x64", "conv2d_64x64", "conv2d_weights_64x64"], 2 },
        { [1, 4, 4, 35], 41, ["conv2d_32x128", "conv2d_32x128", "conv2d_weights_64x64"], 2 },
        { [2, 12, 12, 3], 40, ["conv2d_64x64", "conv2d_128x32", "conv2d_weights_128x32"], 2 },
        { [2, 12, 12, 40], 3, ["conv2d_128x32", "conv2d_64x64", "conv2d_weights_32x128"], 2 },
        { [11, 10, 11, 5], 257, ["conv2d_128x128", "conv2d_128x32", "conv2d_weights_128x128"], 1 },
    };

    [Theory]
    [MemberData(nameof(Tiles))]
    public void EveryTileAgreesWithTheReference(int[] x, int outputs, string[] kernels, int splits) => Check(TestGpu.Float32, x, outputs, kernels, splits);

    [Theory]
    [MemberData(nameof(Tiles))]
    public void EveryTileOfTheTensorCoresAgreesWithTheReference(int[] x, int outputs, string[] kernels, int splits) =>
        Check(TestGpu.Tf32, x, outputs, [.. kernels.Select(kernel => kernel.Replace("conv2d", "conv2d_tf32"))], splits);

    /// <summary>Small integers are exact in tf32, and so are their products and sums: every element must be where it belongs.</summary>
    [Theory]
    [MemberData(nameof(Tiles))]
    public void TheTensorCoresMissNoElementOfIntegers(int[] x, int outputs, string[] kernels, int splits)
    {
        TestGpu.Require();
        Shape input = new(x);
        var geometry = ConvGeometry.Symmetric(input[0], input[1], input[2], input.C, outputs);
        Shape w = new(outputs, 3, 3, input.C), y = new(input[0], geometry.OutH, geometry.OutW, outputs);
        var results = new List<float[]>();
        foreach (bool tf32 in (bool[])[false, true])
        {
            using var device = new CudaDevice(TestGpu.Options with { Tf32 = tf32 });
            Tensor Draw(string name, Shape shape) => new Tensor(device, shape).Upload([.. CaseTensor.Draw(name, shape).Select(value => MathF.Round((float)(3 * value)))]);
            using Tensor tx = Draw("x", input), tw = Draw("w", w), dy = Draw("dy", y), ty = new(device, y), dx = new(device, input), dw = new(device, w);
            device.Conv2d(tx, tw, null, null, null, ty, geometry);
            device.Conv2dBackwardInput(dy, tw, Sink.Into(dx), geometry);
            device.Conv2dBackwardWeight(tx, dy, Sink.Into(dw), Sink.None, geometry);
            results.Add([.. ty.ToArray(), .. dx.ToArray(), .. dw.ToArray()]);
        }
        Assert.Equal(results[0], results[1]);
        Assert.All(kernels, kernel => Assert.True(TestGpu.Launches(kernel.Replace("conv2d", "conv2d_tf32")) is not 0, $"{kernel} did not run"));
        Assert.Equal(2 * splits, TestGpu.Launches("conv2d_finish") ?? 2 * splits);
    }

    /// <summary>Either factor, once along and once across the summed extent: three quarters of tf32's last place round up, one quarter rounds down, and a half away from zero.</summary>
    [Theory]
    [InlineData(0.75f, 1)]
    [InlineData(0.5f, 1)]
    [InlineData(0.25f, 0)]
    public void TheTensorCoresFactorsAreRoundedToNearest(float places, float rounded)
    {
        TestGpu.Require();
        const float place = 1f / 1024;
        const int pixels = 16, channels = 64;
        using var device = new CudaDevice(TestGpu.Options with { Tf32 = true });
        var geometry = ConvGeometry.Symmetric(1, 4, 4, channels, channels, kernel: 1);
        Tensor Filled(Shape shape, float value) => new Tensor(device, shape).Upload([.. Enumerable.Repeat(value, (int)shape.Count)]);
        Shape image = new(1, 4, 4, channels), weights = new(channels, 1, 1, channels);
        using Tensor off = Filled(image, 1 + places * place), one = Filled(image, 1), offWeights = Filled(weights, 1 + places * place), oneWeights = Filled(weights, 1);
        using Tensor y = new(device, image), dw = new(device, weights);
        foreach (var (x, w) in ((Tensor, Tensor)[])[(off, oneWeights), (one, offWeights)])
        {
            device.Conv2d(x, w, null, null, null, y, geometry);
            Assert.All(y.ToArray(), value => Assert.Equal(channels * (1 + rounded * place), value));
        }
        foreach (var (x, dy) in ((Tensor, Tensor)[])[(off, one), (one, off)])
        {
            device.Conv2dBackwardWeight(x, dy, Sink.Into(dw), Sink.None, geometry);
            Assert.All(dw.ToArray(), value => Assert.Equal(pixels * (1 + rounded * place), value));
        }
    }

    private static void Check(DeviceUnderTest device, int[] x, int outputs, string[] kernels, int splits)
    {
        TestGpu.Require();
        int inputs = x[3];
        var convolution = new TapeCase("Conv2d", $"{inputs}-to-{outputs}", Tolerance.Sum,
            [
                CaseTensor.Differentiable("x", new(x)), CaseTensor.Differentiable("w", new(outputs, 3, 3, inputs), 1 / Math.Sqrt(9 * inputs)),
                CaseTensor.Differentiable("bias", new(outputs)),
            ],
            (tape, of) => tape.Conv2d(of["x"], of["w"], of["bias"]));
        Conformance.AgreesWithReference(convolution, device, Usage.Onto);
        Assert.All(kernels, kernel => Assert.True(TestGpu.Launches(kernel) is not 0, $"{kernel} did not run"));
        Assert.Equal(splits, TestGpu.Launches("conv2d_finish") ?? splits);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public void TensorsThatAreNotAlignedGiveTheSameBits(int stride)
    {
        using var gpu = TestGpu.Open();
        var geometry = ConvGeometry.Symmetric(2, 6, 5, 8, 12, stride: stride);
        Shape x = new(2, 6, 5, 8), w = new(12, 3, 3, 8), y = new(2, geometry.OutH, geometry.OutW, 12), bias = new(12);
        List<float[]> Run(int offset)
        {
            Tensor Slice(Shape shape) => gpu.Make((int)shape.Count + offset).Slice(offset, shape);
            Tensor Draw(string name, Shape shape) => Slice(shape).Upload(CaseTensor.Draw(name, shape));
            Tensor tx = Draw("x", x), tw = Draw("w", w), dy = Draw("dy", y), ty = Slice(y), dx = Draw("dx", x), dw = Slice(w), dbias = Slice(bias);
            gpu.Device.Conv2d(tx, tw, Draw("bias", bias), Draw("add", new(2, 12)), Draw("residual", y), ty, geometry);
            gpu.Device.Conv2dBackwardInput(dy, tw, Sink.Onto(dx), geometry);
            gpu.Device.Conv2dBackwardWeight(tx, dy, Sink.Into(dw), Sink.Into(dbias), geometry);
            return [ty.ToArray(), dx.ToArray(), dw.ToArray(), dbias.ToArray()];
        }
        var aligned = Run(0);
        Assert.Equal(aligned, Run(1));
        Assert.Equal(aligned, Run(2));
    }
}
