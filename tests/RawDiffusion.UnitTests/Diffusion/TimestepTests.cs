using FsCheck;
using FsCheck.Fluent;
using RawDiffusion.Core;
using RawDiffusion.Diffusion;

namespace RawDiffusion.UnitTests.Diffusion;

public class TimestepTests
{
    [Fact]
    public void SpacingsAreDiffusers()
    {
        Assert.Equal([750, 500, 250, 0], Timesteps.Select(1000, 4, TimestepSpacing.Leading));
        Assert.Equal([751, 501, 251, 1], Timesteps.Select(1000, 4, TimestepSpacing.Leading, offset: 1));
        Assert.Equal([751, 501, 251], Timesteps.SelectAboveZero(1000, 3, TimestepSpacing.Leading, offset: 1));
        Assert.Equal([999, 749, 499, 249], Timesteps.Select(1000, 4, TimestepSpacing.Trailing, offset: 1));
        Assert.Contains("begin at timestep 1000", Assert.Throws<ConfigurationException>(() => Timesteps.Select(1000, 1000, TimestepSpacing.Leading, offset: 1)).Message);
        Assert.Equal([999, 666, 333, 0], Timesteps.Select(1000, 4, TimestepSpacing.Linspace));
        Assert.Equal([999, 749, 499, 249], Timesteps.Select(1000, 4, TimestepSpacing.Trailing));
        Assert.Equal([999, 749, 500, 250], Timesteps.SelectAboveZero(1000, 4, TimestepSpacing.Linspace));  // 499.5 goes to the even 500
    }

    /// <summary>Latent diffusion's DDIM adds 1 to the timesteps, so that S = T leaves the range; a single leading timestep would be 0.</summary>
    [Fact]
    public void AnyNumberOfStepsIsPossible()
    {
        foreach (var spacing in Enum.GetValues<TimestepSpacing>())
        {
            foreach (var select in new Func<int, int, TimestepSpacing, int[]>[] { (all, few, way) => Timesteps.Select(all, few, way), (all, few, way) => Timesteps.SelectAboveZero(all, few, way) })
            {
                foreach (int steps in new[] { 1, 2, 3, 50, 97 })
                {
                    for (int count = 1; count <= steps; count++)
                    {
                        int[] timesteps = select(steps, count, spacing);
                        Assert.Equal(count, timesteps.Distinct().Count());
                        Assert.Equal(timesteps.OrderDescending(), timesteps);
                        Assert.InRange(timesteps[^1], 0, steps - 1);
                        Assert.InRange(timesteps[0], 0, steps - 1);
                    }
                    Assert.Equal([steps - 1], select(steps, 1, spacing));
                    Assert.Equal(Enumerable.Range(0, steps).Reverse(), select(steps, steps, spacing));
                }
            }
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(-3)]
    [InlineData(1001)]
    public void OtherNumbersAreRefused(int count) =>
        Assert.Contains("1 to 1000", Assert.Throws<ConfigurationException>(() => Timesteps.Select(1000, count, TimestepSpacing.Linspace)).Message);

    [Fact]
    public void SectionsWantTimestepsEnough() => Assert.Throws<ConfigurationException>(() => Timesteps.Sections(10, 5, 6));

    [Fact]
    public void UniformDrawsEveryTimestepAlike()
    {
        int[] drawn = new int[70_000];
        TimestepSampler.Uniform(7, 3, 0, 7, drawn);
        for (int t = 0; t < 7; t++)
        {
            // Ten standard deviations of a binomial count around 10,000.
            Assert.InRange(drawn.Count(x => x == t), 9_000, 11_000);
        }
    }

    [Fact]
    public void DrawsDependOnTheSampleNotOnTheBatch()
    {
        int[] whole = new int[64];
        int[] part = new int[10];
        TimestepSampler.Uniform(7, 3, 0, 1000, whole);
        TimestepSampler.Uniform(7, 3, 20, 1000, part);
        Assert.Equal(whole[20..30], part);
        TimestepSampler.Stratified(7, 3, 0, 64, 1000, whole);
        TimestepSampler.Stratified(7, 3, 20, 64, 1000, part);
        Assert.Equal(whole[20..30], part);
        TimestepSampler.Uniform(7, 4, 20, 1000, part);
        Assert.NotEqual(whole[20..30], part);
        TimestepSampler.Uniform(8, 3, 20, 1000, part);
        Assert.NotEqual(whole[20..30], part);
    }

    [Fact]
    public void StratifiedBatchesCoverTheRange()
    {
        int[] drawn = new int[50];
        int[] counts = new int[50];
        for (int step = 0; step < 2000; step++)
        {
            TimestepSampler.Stratified(1, step, 0, 50, 50, drawn);
            Assert.Equal(Enumerable.Range(0, 50), drawn.Order());
            counts[drawn[0]]++;
        }
        // A single place of the batch still sees every timestep: 40 times on average, 6 the standard deviation.
        Assert.All(counts, count => Assert.InRange(count, 5, 100));
    }

    [Fact]
    public void DrawsStayInRange() => Prop.ForAll(
        Arb.From(from steps in Gen.Choose(1, 4000) from step in Gen.Choose(0, int.MaxValue) select (steps, step)), x =>
        {
            int[] uniform = new int[9];
            int[] stratified = new int[9];
            TimestepSampler.Uniform(5, x.step, 0, x.steps, uniform);
            TimestepSampler.Stratified(5, x.step, 0, 9, x.steps, stratified);
            return uniform.Concat(stratified).All(t => t >= 0 && t < x.steps);
        }).QuickCheckThrowOnFailure();
}
