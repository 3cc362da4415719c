namespace RawDiffusion.Data;

/// <summary>
/// The signed distances of the built-in shapes: negative inside, in units in which a shape's radius is about 1, y upwards.
/// Only additions, multiplications, divisions and square roots, which IEEE 754 rounds the same way on every machine.
/// </summary>
internal static class ShapeOutline
{
    /// <summary>The shapes' names; a shape's number is its class.</summary>
    public static readonly string[] Names = ["circle", "square", "triangle", "star", "ring", "cross", "heart", "moon"];

    private static readonly (double X, double Y)[] Triangle = [(0, 1.08), (-0.94, -0.62), (0.94, -0.62)];

    // Ten points at 36° steps, alternately at radius 1.1 and 0.5.
    private static readonly (double X, double Y)[] Star =
    [
        (0, 1.1), (-0.29389, 0.40451), (-1.04616, 0.33992), (-0.47553, -0.15451), (-0.64656, -0.88992),
        (0, -0.5), (0.64656, -0.88992), (0.47553, -0.15451), (1.04616, 0.33992), (0.29389, 0.40451),
    ];

    private static readonly (double X, double Y)[] HeartTip = [(-0.93, 0.1), (0, -1), (0.93, 0.1), (0, 0.42)];

    /// <summary>The distance of a point from the outline of a shape.</summary>
    public static double Distance(int shape, double x, double y) => shape switch
    {
        0 => Circle(x, y, 0, 0, 0.95),
        1 => Box(x, y, 0.82, 0.82),
        2 => Polygon(x, y, Triangle),
        3 => Polygon(x, y, Star),
        4 => Math.Abs(Circle(x, y, 0, 0, 0.74)) - 0.24,
        5 => Math.Min(Box(x, y, 1, 0.33), Box(x, y, 0.33, 1)),
        6 => Math.Min(Math.Min(Circle(x, y, -0.47, 0.37, 0.53), Circle(x, y, 0.47, 0.37, 0.53)), Polygon(x, y, HeartTip)),
        _ => Math.Max(Circle(x, y, 0, 0, 1), -Circle(x, y, 0.5, 0.15, 0.78)),
    };

    private static double Length(double x, double y) => Math.Sqrt(x * x + y * y);

    private static double Circle(double x, double y, double centreX, double centreY, double radius) => Length(x - centreX, y - centreY) - radius;

    private static double Box(double x, double y, double halfWidth, double halfHeight)
    {
        double dx = Math.Abs(x) - halfWidth, dy = Math.Abs(y) - halfHeight;
        return Length(Math.Max(dx, 0), Math.Max(dy, 0)) + Math.Min(Math.Max(dx, dy), 0);
    }

    private static double Polygon(double x, double y, (double X, double Y)[] corners)
    {
        double nearest = double.MaxValue;
        bool inside = false;
        for (int i = 0; i < corners.Length; i++)
        {
            var (a, b) = (corners[i], corners[(i + 1) % corners.Length]);
            double ex = b.X - a.X, ey = b.Y - a.Y, px = x - a.X, py = y - a.Y;
            double along = Math.Clamp((px * ex + py * ey) / (ex * ex + ey * ey), 0, 1);
            nearest = Math.Min(nearest, Length(px - along * ex, py - along * ey));
            if (a.Y > y != b.Y > y && px < ex * py / ey)
            {
                inside = !inside;
            }
        }
        return inside ? -nearest : nearest;
    }
}
