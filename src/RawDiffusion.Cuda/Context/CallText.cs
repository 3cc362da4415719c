using System.Runtime.CompilerServices;
using RawDiffusion.Cuda.Driver;

namespace RawDiffusion.Cuda;

/// <summary>The text of a call with its arguments, put together only if the call failed.</summary>
[InterpolatedStringHandler]
internal ref struct CallText
{
    private DefaultInterpolatedStringHandler _text;

    public CallText(int literalLength, int formattedCount, CuResult result, out bool failed) : this(literalLength, formattedCount, failed = result != CuResult.Success)
    {
    }

    public CallText(int literalLength, int formattedCount, CublasStatus status, out bool failed) : this(literalLength, formattedCount, failed = status != CublasStatus.Success)
    {
    }

    private CallText(int literalLength, int formattedCount, bool failed) =>
        _text = failed ? new DefaultInterpolatedStringHandler(literalLength, formattedCount) : default;

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string format) => _text.AppendFormatted(value, format);

    public override string ToString() => _text.ToStringAndClear();
}
