using System.Globalization;
using System.Text.Json.Nodes;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;

namespace RawDiffusion.Pipelines;

/// <summary>What was found of a bound, and of what: for programs and for people.</summary>
/// <param name="Result">The bound.</param>
/// <param name="Request">How it was evaluated.</param>
/// <param name="Data">The fingerprint of the images.</param>
/// <param name="Weights">Which weights of the model: "ema" or "raw".</param>
/// <param name="Step">The training step of the checkpoint; null where there is none.</param>
public sealed record BoundReport(BoundResult Result, BoundRequest Request, string Data, string Weights, long? Step)
{
    private const int Tenths = 10;

    /// <summary>
    /// The fields <c>kind</c>, <c>method</c>, <c>variance</c>, <c>value</c>, <c>standard_error</c>, <c>terms</c> (<c>L_T</c>, <c>L_t</c> by timestep, of which the first is
    /// <c>L_0</c>; null where a term was not computed), <c>terms_per_image</c>, <c>images</c>, <c>seed</c>, <c>weights</c>, <c>step</c> and <c>data</c>; bits per dimension.
    /// </summary>
    public JsonObject ToJson() => new()
    {
        ["kind"] = "bits_per_dim",
        ["method"] = "vlb",
        ["variance"] = NamedEnum<ReverseVariance>.NameOf(Request.Variance),
        ["value"] = Result.Value,
        ["standard_error"] = Number(Result.StandardError),
        ["terms"] = new JsonObject
        {
            ["L_T"] = Result.Prior,
            ["L_t"] = new JsonArray([.. Enumerable.Range(0, Result.Timesteps).Select(t => Number(Result.Term(t)))]),
            ["L_0"] = Result.Term(0),
        },
        ["terms_per_image"] = Request.TermsPerImage ?? Result.Timesteps - 1,
        ["images"] = Result.Images,
        ["seed"] = Request.Seed,
        ["weights"] = Weights,
        ["step"] = Step,
        ["data"] = Data,
    };

    /// <summary>The bound and its standard error, on one line.</summary>
    public string Summary => string.Create(CultureInfo.InvariantCulture,
        $"{Result.Value:0.0000} {(double.IsFinite(Result.StandardError) ? $"± {Result.StandardError.ToString("0.0000", CultureInfo.InvariantCulture)} " : "")}bits/dim");

    /// <summary>The parts of the bound by tenths of the timesteps, a line each, from L_0 to L_T.</summary>
    public IEnumerable<string> Table()
    {
        int last = Result.Timesteps - 1, most = Math.Min(Tenths, last);
        yield return Row("L_0", Result.Term(0));
        for (int i = 0; i < most; i++)
        {
            int from = 1 + (int)((long)last * i / most), to = 1 + (int)((long)last * (i + 1) / most);
            yield return Row(to - from == 1 ? $"L_{from}" : $"L_{from} … L_{to - 1}", Result.Stretch(from, to));
        }
        yield return Row("L_T", Result.Prior);
    }

    private static string Row(string name, double bits) => string.Create(CultureInfo.InvariantCulture, $"{name,-18} {bits,10:0.000000}");

    private static JsonValue? Number(double value) => double.IsFinite(value) ? JsonValue.Create(value) : null;
}
