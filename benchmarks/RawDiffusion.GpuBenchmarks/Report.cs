using System.Text.Json;

namespace RawDiffusion.GpuBenchmarks;

/// <summary>Prints tables, and writes every figure as a line of JSON.</summary>
internal sealed class Report : IDisposable
{
    private const double Tera = 1e12, Giga = 1e9;

    private readonly StreamWriter _lines;
    private readonly List<string> _sums = [];
    private double _step, _floor;

    public Report(string path) => _lines = new StreamWriter(path) { AutoFlush = true };

    public void Title(string text)
    {
        Print(text);
        Write(new { kind = "title", text });
    }

    public void Add(Ceilings c)
    {
        Print($"""

            ceilings            TFLOP/s
            float32, registers  {c.Float32 / Tera,7:0.0}
            cuBLAS float32      {c.Gemm / Tera,7:0.0}
            mma.sync TF32       {c.Tf32 / Tera,7:0.0}
            cuBLAS TF32         {c.GemmTf32 / Tera,7:0.0}
            mma.sync bf16       {c.Bf16 / Tera,7:0.0}
            copy                {c.Copy / Giga,7:0} GB/s
            """);
        Write(new
        {
            kind = "ceilings",
            float32_tflops = c.Float32 / Tera,
            cublas_float32_tflops = c.Gemm / Tera,
            mma_tf32_tflops = c.Tf32 / Tera,
            cublas_tf32_tflops = c.GemmTf32 / Tera,
            mma_bf16_tflops = c.Bf16 / Tera,
            copy_gbs = c.Copy / Giga,
        });
    }

    public void BeginOps(string precision)
    {
        (_step, _floor) = (0, 0);
        Print($"\n{precision + ", op",-24} {"shape",-34} {"ms",9} {"quartiles",17} {"TFLOP/s",8} {"GB/s",6} {"of floor",8}  a step");
    }

    /// <summary>A row; the floor is the larger of operations and bytes over their ceilings.</summary>
    public void Add(TimedOp op, string precision, Times times, double operations, double bytes)
    {
        double seconds = times.Median / 1e3, floor = Math.Max(op.Call.Flops / operations, op.Call.Bytes / bytes) * 1e3;
        _step += op.PerStep * times.Median;
        _floor += op.PerStep * floor;
        Print($"{op.Call.Op,-24} {op.Call.What,-34} {times.Median,9:0.0000} {times.Lower,8:0.0000}-{times.Upper,-8:0.0000} {op.Call.Flops / seconds / Tera,8:0.00} {op.Call.Bytes / seconds / Giga,6:0} {floor / times.Median,8:0%}  {op.PerStep}×");
        Write(new
        {
            kind = "op",
            precision,
            op = op.Call.Op,
            shape = op.Call.What,
            ms = times.Median,
            lower_ms = times.Lower,
            upper_ms = times.Upper,
            tflops = op.Call.Flops / seconds / Tera,
            gbs = op.Call.Bytes / seconds / Giga,
            floor_ms = floor,
            per_step = op.PerStep,
        });
    }

    public void EndOps(string precision)
    {
        string sum = $"{precision} {_step:0.000} ms, by the ceilings at least {_floor:0.000} ms";
        _sums.Add(sum);
        Print($"as often as a training step does them: {sum}");
    }

    /// <summary>The line that a summary shows: products in each precision, and the other ops, which have but one.</summary>
    public void End() => Print($"\nthe ops of a training step: {string.Join("; ", _sums)}");

    public void Add(string step, IReadOnlyList<KernelShare> shares)
    {
        double all = shares.Sum(s => s.Milliseconds);
        Print($"\n{step}: {all:0.000} ms in {shares.Sum(s => s.Launches)} launches, one by one");
        foreach (var share in shares)
        {
            Print($"  {share.Name,-36} {share.Launches,5}× {share.Milliseconds,10:0.000} ms {share.Milliseconds / all,6:0.0%}");
            Write(new { kind = "launches", step, kernel = share.Name, launches = share.Launches, ms = share.Milliseconds });
        }
    }

    public void Dispose() => _lines.Dispose();

    private static void Print(string text) => Console.WriteLine(text);

    private void Write(object line) => _lines.WriteLine(JsonSerializer.Serialize(line));
}
