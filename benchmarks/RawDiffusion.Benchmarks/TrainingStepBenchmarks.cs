using BenchmarkDotNet.Attributes;
using RawDiffusion.Core;
using RawDiffusion.Cpu;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Pipelines;
using RawDiffusion.Training;
using RawDiffusion.Training.Configuration;

namespace RawDiffusion.Benchmarks;

/// <summary>A whole training step and a whole denoising step of the presets' networks.</summary>
public class TrainingStepBenchmarks
{
    private CpuDevice _device = null!;
    private ParameterSet _parameters = null!;
    private Adam _adam = null!;
    private TrainingStep _step = null!;
    private GenerativeModel _model = null!;
    private SamplerPlan _plan = null!;
    private Tensor _start = null!;
    private int[] _timesteps = null!;
    private long _done;

    [Params("mnist", "cifar10")]
    public string Preset { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        var (batch, size, channels) = Preset == "mnist" ? (64, 28, 1) : (8, 32, 3);
        var config = Presets.All[Preset];
        _device = new CpuDevice();
        var network = new UNet(config.Network.FittedTo(size, size, channels, classEmbeddings: null) with { Dropout = 0 });
        _parameters = new ParameterSet(network.Parameters, _device, training: true);
        _parameters.Initialize(0);
        _adam = new Adam(_parameters, new AdamOptions());
        var shape = new Shape(batch, size, size, channels);
        _step = new TrainingStep(network, _adam, config.Diffusion, _device, shape, 0);
        var pixels = new byte[shape.Count];
        new Random(0).NextBytes(pixels);
        _step.SetPixels(pixels);
        _timesteps = new int[batch];
        _model = new GenerativeModel(network, _device, config.Diffusion.Process(), size, size);
        _plan = DdimSampler.Plan(_model.Process, 1);
        _start = Sampler.SampleStart(_device, shape, 0);
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (var part in (IDisposable[])[_start, _step, _adam, _parameters, _device])
        {
            part.Dispose();
        }
    }

    [Benchmark]
    public StepResult Train()
    {
        _step.DrawTimesteps(_done, _timesteps);
        return _step.Run(_done++, _timesteps, 2e-4, 0.9999);
    }

    [Benchmark]
    public void Denoise() => Sampler.Run(_plan, _model.Denoiser(null, null, 1), _start, 0).Dispose();
}
