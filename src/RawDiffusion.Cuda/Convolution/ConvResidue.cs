namespace RawDiffusion.Cuda;

/// <summary>
/// The gradient with respect to those pixels of x that lie at First modulo the stride, in one dimension: only every stride-th tap reaches
/// them, so they are a convolution of stride 1 over dy with those taps, in reverse. Together, the residues need as many products as the forward.
/// </summary>
/// <param name="First">The first pixel.</param>
/// <param name="Pixels">How many there are.</param>
/// <param name="FirstTap">The first tap that reaches them.</param>
/// <param name="Taps">How many do.</param>
/// <param name="Padding">How far before dy's first pixel the reversed kernel starts for the first of them.</param>
internal readonly record struct ConvResidue(int First, int Pixels, int FirstTap, int Taps, int Padding)
{
    // Pixel First + i·stride gets tap r = FirstTap + stride·j from dy's pixel (First + i·stride + padding − r)/stride = i + offset − j.
    public static ConvResidue Of(int first, int extent, int kernel, int stride, int padding)
    {
        int firstTap = (first + padding) % stride;
        int taps = firstTap < kernel ? (kernel - firstTap + stride - 1) / stride : 0;
        int offset = (first + padding - firstTap) / stride;
        return new ConvResidue(first, first < extent ? (extent - first + stride - 1) / stride : 0, firstTap, taps, taps - 1 - offset);
    }
}
