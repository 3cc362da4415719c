// Learns to draw the images of a folder, and draws some: TrainAndSample [FOLDER|shapes] [STEPS] [OUT]. Without a folder it learns built-in shapes.
using RawDiffusion;
using RawDiffusion.Diffusion;
using RawDiffusion.Models;

var (path, steps, output) = (args.ElementAtOrDefault(0) ?? "shapes", int.Parse(args.ElementAtOrDefault(1) ?? "1000"), args.ElementAtOrDefault(2) ?? ".");

using var device = Devices.Best();
var data = path == "shapes" ? Dataset.Shapes() : Dataset.Open(path);
using var model = DiffusionModel.Create(device, UNetConfig.For(data), DiffusionProcess.Cosine(prediction: Prediction.V));
await foreach (var report in model.Train(data, new TrainingOptions { Steps = steps, Batch = 16 }))
{
    Console.WriteLine($"step {report.Step}: loss {report.Loss:0.0000}");
}
model.Sample(16, Samplers.Ddim(steps: 50)).SaveGrid(Path.Combine(output, "grid.png"));
model.Save(Path.Combine(output, "model"));
