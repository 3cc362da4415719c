using RawDiffusion.Core;
using RawDiffusion.Data;

namespace RawDiffusion.Training;

/// <summary>A data set's images as bytes on a device, so that a training step needs to be told no more than which images to take.</summary>
public sealed class DeviceImages : IDisposable
{
    /// <summary>Uploads a data set.</summary>
    /// <param name="data">The images, read on all processors.</param>
    /// <param name="device">Where to.</param>
    /// <param name="height">Rows with the border: at least the images'.</param>
    /// <param name="width">Columns with the border.</param>
    /// <param name="paddingValue">The border's byte.</param>
    /// <exception cref="DeviceException">The device has not that much memory.</exception>
    public DeviceImages(IDataset data, Device device, int height, int width, byte paddingValue = 0)
    {
        var border = new ImageBorder(data, height, width);
        Pixels = new Tensor(device, new Shape(data.Count, height, width, data.Channels), DType.UInt8, "the data set");
        (Left, Width) = (border.Left, data.Width);
        try
        {
            Upload(data, border, paddingValue);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>Room for a data set whose images nobody has read: for rehearsals.</summary>
    internal DeviceImages(Device device, Shape pixels, int left, int width) => (Pixels, Left, Width) = (new Tensor(device, pixels, DType.UInt8, "the data set"), left, width);

    /// <summary>The images with their border, UInt8 [M, H, W, C].</summary>
    public Tensor Pixels { get; }

    /// <summary>The column at which images begin within their border.</summary>
    public int Left { get; }

    /// <summary>The images' columns within their border.</summary>
    public int Width { get; }

    /// <inheritdoc/>
    public void Dispose() => Pixels.Dispose();

    private void Upload(IDataset data, ImageBorder border, byte paddingValue)
    {
        int height = Pixels.Shape[1], width = Pixels.Shape[2];
        int imageBytes = height * width * data.Channels, chunk = Math.Clamp((16 << 20) / imageBytes, 1, data.Count);
        byte[] bytes = new byte[(long)chunk * imageBytes];
        for (int first = 0; first < data.Count; first += chunk)
        {
            int count = Math.Min(chunk, data.Count - first);
            bytes.AsSpan().Fill(paddingValue);
            Parallel.For(0, count, () => new byte[data.Height * data.Width * data.Channels], (n, _, image) =>
            {
                data.Read(first + n, image);
                border.Put(image, mirrored: false, bytes.AsSpan(n * imageBytes, imageBytes));
                return image;
            }, _ => { });
            Pixels.Slice((long)first * imageBytes, new Shape(count, height, width, data.Channels)).Upload<byte>(bytes.AsSpan(0, count * imageBytes));
        }
    }
}
