using RawDiffusion.Core;
using RawDiffusion.Cuda;
using RawDiffusion.Training;

namespace RawDiffusion.GpuBenchmarks;

/// <summary>Ceilings, ops and whole steps of a network, on the first GPU.</summary>
internal sealed class Benchmark(TrainingPlan plan, bool quick, Report report)
{
    public void Run(int batch, IReadOnlyList<int> sampleBatches)
    {
        // Both are on the same context; launches one by one, so that they can be timed.
        using var device = new CudaDevice(new CudaOptions { Graphs = false });
        using var tf32 = new CudaDevice(new CudaOptions { Graphs = false, Tf32 = true });
        report.Title($"{device.Description}; {(quick ? "a tiny network, for a test" : "cifar10's network")}, batches of {batch}");
        var ceilings = Ceilings.Measure(device, tf32, quick);
        report.Add(ceilings);

        var products = TimedOp.Of(TrainingRehearsal.Of(plan with { Config = plan.Config with { Batch = batch } })).ToLookup(op => op.IsProduct);
        Ops("fp32", device, products[true], Math.Max(ceilings.Float32, ceilings.Gemm), ceilings.Copy);
        Ops("tf32", tf32, products[true], Math.Max(ceilings.Tf32, ceilings.GemmTf32), ceilings.Copy);
        Ops("any", device, products[false], ceilings.Float32, ceilings.Copy);
        foreach (var (precision, on) in ((string, CudaDevice)[])[("fp32", device), ("tf32", tf32)])
        {
            report.Add($"training step, {precision}, batch {batch}", StepTrace.Training(on, plan.Network, plan.Config.Diffusion, batch));
            foreach (int count in sampleBatches)
            {
                report.Add($"denoising step, {precision}, batch {count}", StepTrace.Denoising(on, plan.Network, plan.Config.Diffusion, count));
            }
        }
        report.End();
    }

    private void Ops(string precision, CudaDevice device, IEnumerable<TimedOp> ops, double operations, double bytes)
    {
        using var timer = new GpuTimer(device, quick);
        report.BeginOps(precision);
        foreach (var op in ops)
        {
            using var operands = new StandIns(device);
            report.Add(op, precision, timer.Measure(() => op.Call.Run(operands)), operations, bytes);
        }
        report.EndOps(precision);
    }
}
