namespace RawDiffusion.Cuda.Driver;

/// <summary>cublasMath_t.</summary>
internal enum CublasMath
{
    Default = 0,
    Tf32 = 3,
}
