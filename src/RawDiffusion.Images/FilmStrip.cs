namespace RawDiffusion.Images;

/// <summary>Samples on their way from noise to picture: a row for each sample, a column for each moment.</summary>
public static class FilmStrip
{
    private const int LabelGap = 2;

    /// <summary>Lays out frames[moment][sample]; all moments have the same samples.</summary>
    /// <param name="frames">The pictures, all of one size.</param>
    /// <param name="labels">A caption for each moment (as "t=999"), or null for none; those too wide for their column are left out.</param>
    /// <param name="style">Gap, scale and background; the columns follow from the frames.</param>
    /// <exception cref="ArgumentException">There are no frames, or their numbers or sizes differ.</exception>
    public static Image Tile(IReadOnlyList<IReadOnlyList<Image>> frames, IReadOnlyList<string>? labels = null, GridStyle? style = null)
    {
        style ??= new GridStyle();
        if (frames.Count == 0 || frames.Any(moment => moment.Count != frames[0].Count) || (labels is not null && labels.Count != frames.Count))
        {
            throw new ArgumentException("A film strip takes at least one moment, as many samples at each, and a label for each or none.", nameof(frames));
        }
        var rowMajor = Enumerable.Range(0, frames[0].Count).SelectMany(sample => frames.Select(moment => moment[sample]));
        var strip = ImageGrid.Tile([.. rowMajor], style with { Columns = frames.Count });
        return labels is null ? strip : AddLabels(strip, labels, style, frames[0][0].Width * style.Scale);
    }

    private static Image AddLabels(Image strip, IReadOnlyList<string> labels, GridStyle style, int cell)
    {
        int top = PictureText.Height + LabelGap;
        var labelled = new Image(strip.Height + top, strip.Width, 3);
        labelled.Pixels.AsSpan().Fill(style.Background);
        labelled.Paste(strip.WithChannels(3), top, 0);
        for (int i = 0; i < labels.Count; i++)
        {
            int width = PictureText.Measure(labels[i]);
            if (width <= cell + style.Gap)
            {
                PictureText.Write(labelled, labels[i], LabelGap, style.Gap + i * (cell + style.Gap) + (cell - width) / 2, style.Background < 128 ? (byte)220 : (byte)40);
            }
        }
        return labelled;
    }
}
