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
    private Objective _objective = null!;
    private TrainingStep _step = null!;
    private FeedBatch _batch = null!;
    private SamplingLoop _loop = null!;
    private Tensor _start = null!;
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
        _objective = Objectives.Simple(network, config.Diffusion, _device, shape);
        _step = new TrainingStep(_objective, _adam, _device, shape, 0);
        byte[] pixels = new byte[shape.Count];
        new Random(0).NextBytes(pixels);
        _batch = new FeedBatch { Count = batch, Pixels = pixels };
        var model = new GenerativeModel(network, _device, config.Diffusion.Process(), size, size);
        var sampler = Samplers.Ddim(steps: 1);
        _loop = new SamplingLoop(sampler, sampler.Plan(model.Process), model.Denoiser(), _device, shape, 0);
        _start = _loop.Start();
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        foreach (var part in (IDisposable[])[_start, _loop, _step, _objective, _adam, _parameters, _device])
        {
            part.Dispose();
        }
    }

    [Benchmark]
    public StepResult Train() => _step.Run(_batch, _done++, 2e-4, 0.9999);

    [Benchmark]
    public void Denoise() => _loop.Run(_start).Dispose();
}
