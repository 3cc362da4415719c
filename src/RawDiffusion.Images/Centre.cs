namespace RawDiffusion.Images;

/// <summary>Where a smaller picture stands in a larger one: in the middle, an odd row or column of border at the bottom or right.</summary>
public static class Centre
{
    /// <summary>The row or column of the larger picture at which the smaller one begins.</summary>
    /// <param name="length">Rows or columns of the larger picture.</param>
    /// <param name="part">Those of the smaller one, no more.</param>
    public static int Begin(int length, int part) => (length - part) / 2;
}
