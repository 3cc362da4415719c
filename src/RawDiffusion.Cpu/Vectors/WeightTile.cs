namespace RawDiffusion.Cpu;

/// <summary>sums[row][column] += Σ a[pixel][row]·b[pixel][column] over <see cref="Rows"/> rows of <see cref="Pixels"/> pixels.</summary>
internal unsafe struct WeightTile
{
    public float* A;
    public nint ARowPitch;
    public float* B;
    public nint BRowPitch;
    public int Rows;
    public int Pixels;
    public float* Sums;
    public nint SumsPitch;
}
