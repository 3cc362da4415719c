using RawDiffusion.Core;

namespace RawDiffusion.UnitTests;

public class BoxMullerTests
{
    private const int Blocks = 500_000;

    [Fact]
    public void LogarithmIsExactToAFewUnitsInTheLastPlace()
    {
        for (uint i = 1; i <= 1 << 24; i += 1 + i / 1000)
        {
            float u = i * (1f / (1 << 24));
            double exact = Math.Log(u);
            Assert.True(Math.Abs(BoxMuller.Log(u) - exact) <= 2.4e-7 * Math.Abs(exact), $"ln {u:R} is {exact:R}, not {BoxMuller.Log(u):R}");
        }
        Assert.Equal(0f, BoxMuller.Log(1f));
    }

    [Fact]
    public void SineAndCosineAreExactToAFewUnitsInTheLastPlace()
    {
        for (uint turns = 0; turns < 1 << 24; turns += 997)
        {
            var (sine, cosine) = BoxMuller.SineCosineOfTurns(turns << 8 | 0xFF);
            var (exactSine, exactCosine) = Math.SinCos(2 * Math.PI * turns / (1 << 24));
            Assert.True(Math.Abs(sine - exactSine) <= 1.2e-7 && Math.Abs(cosine - exactCosine) <= 1.2e-7, $"{turns}·2⁻²⁴ turns");
        }
    }

    [Theory]
    [InlineData(0u, 0f, 1f)]
    [InlineData(1u << 30, 1f, 0f)]
    [InlineData(2u << 30, 0f, -1f)]
    [InlineData(3u << 30, -1f, 0f)]
    public void QuarterTurnsAreExact(uint bits, float sine, float cosine) => Assert.Equal((sine, cosine), BoxMuller.SineCosineOfTurns(bits));

    [Fact]
    public void PairsAreBoxAndMullersOfTheSameBits()
    {
        for (uint i = 0; i < 100_000; i++)
        {
            var block = Philox.Block(new UInt4(i, 0, 0, 0), 99);
            double radius = Math.Sqrt(-2 * Math.Log(((block.X >> 8) + 1) / (double)(1 << 24)));
            var (sine, cosine) = Math.SinCos(2 * Math.PI * (block.Y >> 8) / (1 << 24));
            var (first, second) = BoxMuller.Pair(block.X, block.Y);
            Assert.True(Math.Abs(first - radius * cosine) <= 4e-7 * radius && Math.Abs(second - radius * sine) <= 4e-7 * radius);
        }
    }

    [Fact]
    public void FirstValuesArePinned()
    {
        // Any change here changes every model's noise: a run would no longer resume, and devices would no longer agree.
        var block = Philox.Block(new UInt4(0, 0, 0, 0), 0);
        Assert.Equal((0.991137445f, -0.924662769f), BoxMuller.Pair(block.X, block.Y));
        Assert.Equal((-0.617609084f, -0.48206833f), BoxMuller.Pair(block.Z, block.W));
    }

    [Fact]
    public void TheExtremesAreFinite()
    {
        var (largest, zero) = BoxMuller.Pair(0, 0);
        Assert.Equal(5.768, largest, 0.001);
        Assert.Equal(0f, zero);
        var (smallest, _) = BoxMuller.Pair(uint.MaxValue, 0);
        Assert.Equal(0f, smallest);
    }

    [Fact]
    public void MomentsAndTailsAreNormal()
    {
        double sum = 0, squares = 0, cubes = 0, fourths = 0, products = 0;
        int beyondTwo = 0, beyondThree = 0, beyondFour = 0, count = 2 * Blocks;
        for (uint i = 0; i < Blocks; i++)
        {
            var block = Philox.Block(new UInt4(i, 1, 2, 3), 7);
            var (a, b) = BoxMuller.Pair(block.X, block.Y);
            products += a * b;
            foreach (double z in (ReadOnlySpan<double>)[a, b])
            {
                (sum, squares, cubes, fourths) = (sum + z, squares + z * z, cubes + z * z * z, fourths + z * z * z * z);
                beyondTwo += Math.Abs(z) > 2 ? 1 : 0;
                beyondThree += Math.Abs(z) > 3 ? 1 : 0;
                beyondFour += Math.Abs(z) > 4 ? 1 : 0;
            }
        }
        // Four standard errors of each estimate: the moments' variances are 1, 2, 15 and 96.
        double error = 4 / Math.Sqrt(count);
        Assert.Equal(0, sum / count, error);
        Assert.Equal(1, squares / count, error * Math.Sqrt(2));
        Assert.Equal(0, cubes / count, error * Math.Sqrt(15));
        Assert.Equal(3, fourths / count, error * Math.Sqrt(96));
        Assert.Equal(0, products / Blocks, 4 / Math.Sqrt(Blocks));
        Expected(0.0455002639, beyondTwo);
        Expected(0.0026997961, beyondThree);
        Expected(0.0000633425, beyondFour);

        void Expected(double probability, int found) => Assert.Equal(probability * count, found, 4 * Math.Sqrt(probability * count));
    }
}
