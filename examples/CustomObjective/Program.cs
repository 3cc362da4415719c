// An objective and a sampler of one's own, without touching the library: flow matching on the built-in shapes. CustomObjective [STEPS] [OUT.png]
using CustomObjective;
using RawDiffusion;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;
using RawDiffusion.Training;

var (steps, output) = (int.Parse(args.ElementAtOrDefault(0) ?? "1000"), args.ElementAtOrDefault(1) ?? "flow.png");

using var device = Devices.Best();
var data = Dataset.Shapes();
using var model = DiffusionModel.Create(device, UNetConfig.For(data), DiffusionProcess.Linear());
ObjectiveFactory flow = (network, _, device, images) => new FlowObjective(network.Forward, device, images);
foreach (var report in model.Train(data, new TrainingOptions { Steps = steps, Batch = 16, Objective = flow }))
{
    Console.WriteLine($"step {report.Step}: {report.Losses[0].Name} {report.Loss:0.0000}");
}
model.Sample(16, new FlowSampler(Steps: 20)).SaveGrid(output);
