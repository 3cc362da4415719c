namespace RawDiffusion.Images;

/// <summary>The predictions of PNG's five row filters: 0 none, 1 left, 2 up, 3 average, 4 Paeth.</summary>
internal static class PngFilter
{
    /// <summary>The predicted byte, from its neighbours to the left, above, and above left.</summary>
    public static byte Predict(int filter, byte left, byte above, byte corner) => filter switch
    {
        1 => left,
        2 => above,
        3 => (byte)((left + above) / 2),
        4 => Paeth(left, above, corner),
        _ => 0,
    };

    private static byte Paeth(int left, int above, int corner)
    {
        int toLeft = Math.Abs(above - corner), toAbove = Math.Abs(left - corner), toCorner = Math.Abs(left + above - 2 * corner);
        return (byte)(toLeft <= toAbove && toLeft <= toCorner ? left : toAbove <= toCorner ? above : corner);
    }
}
