using RawDiffusion.Core;
using RawDiffusion.Diffusion;

namespace CustomObjective;

/// <summary>
/// Flow matching (Lipman et al. 2023): between an image x_0 and noise ε lies x_s = (1 − s)·x_0 + s·ε, and the network learns the velocity
/// ε − x_0 from x_s. The library knows nothing of it.
/// </summary>
internal sealed class FlowObjective : Objective
{
    /// <summary>Networks hear timesteps from 0 to 1000.</summary>
    public const double TimestepScale = 1000;

    private readonly NetworkForward _network;
    private readonly Tensor _x, _velocity, _timesteps, _coefficients;

    public FlowObjective(NetworkForward network, Device device, Shape images)
    {
        _network = network;
        _x = new Tensor(device, images, name: "x_s");
        _velocity = new Tensor(device, images, name: "the velocity");
        _timesteps = new Tensor(device, new Shape(images.N), name: "timesteps");
        _coefficients = new Tensor(device, new Shape(images.N, 4), name: "coefficients");
    }

    /// <summary>Draws s for each image, uniformly: a function of the seed, the step and the image's place in the batch, as every random number of a run.</summary>
    public override void Prepare(in StepNumbers step)
    {
        double[] timesteps = new double[step.Samples], coefficients = new double[4 * step.Samples];
        for (int n = 0; n < step.Samples; n++)
        {
            var bits = Philox.Block(new UInt4(0, (uint)(step.FirstSample + n), (uint)step.Step, (uint)RandomPurpose.Timestep), step.Seed);
            double s = Philox.Uniform(bits.X);
            timesteps[n] = s * TimestepScale;
            // x_s = (1 − s)·x_0 + s·ε, and its target −1·x_0 + 1·ε.
            new[] { 1 - s, s, -1, 1 }.CopyTo(coefficients, 4 * n);
        }
        _timesteps.Upload(timesteps);
        _coefficients.Upload(coefficients);
    }

    public override Losses Forward(Tape tape, in TrainingBatch batch)
    {
        batch.AddNoise(_coefficients, null, _x, _velocity);
        var output = _network(tape, new NetworkInput(_x, _timesteps, default, batch.Random));
        return new Losses(("velocity", tape.MeanSquaredError(output, _velocity).Loss));
    }

    public override void Dispose()
    {
        foreach (var tensor in (Tensor[])[_x, _velocity, _timesteps, _coefficients])
        {
            tensor.Dispose();
        }
        base.Dispose();
    }
}
