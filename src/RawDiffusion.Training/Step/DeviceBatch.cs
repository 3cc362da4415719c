using RawDiffusion.Core;
using RawDiffusion.Diffusion;

namespace RawDiffusion.Training;

/// <summary>The tensors that take one batch after another, each where the one before was.</summary>
internal sealed class DeviceBatch : IDisposable
{
    private readonly Device _device;
    private readonly Shape _shape;
    private Tensor? _pixels, _images, _picks, _labels, _planes;
    private DeviceImages? _dataSet;

    /// <summary>A place for batches of one shape, [N, H, W, C].</summary>
    public DeviceBatch(Device device, Shape shape) => (_device, _shape) = (device, shape);

    /// <summary>Whether a batch comes in other tensors than the one before: images from elsewhere, labels or planes where there were none, or none more.</summary>
    public bool Differs(FeedBatch batch) =>
        (_pixels is null) != batch.Pixels.IsEmpty || (_images is null) != batch.Images.IsEmpty || _dataSet != batch.DataSet ||
        (_labels is null) != batch.Labels.IsEmpty || (_planes?.Shape.Count ?? 0) != batch.Planes.Length;

    /// <summary>Makes the tensors that a batch, and those like it, need; whoever has recorded the use of others forgets the recording before.</summary>
    /// <exception cref="ArgumentException">The batch has another number of images, or not exactly one source of them.</exception>
    public void MakeRoomFor(FeedBatch batch)
    {
        if (batch.Count != _shape.N || (batch.Pixels.IsEmpty ? 0 : 1) + (batch.Images.IsEmpty ? 0 : 1) + (batch.DataSet is null ? 0 : 1) != 1)
        {
            throw new ArgumentException(
                $"a training step for batches of {_shape} should be given {_shape.N} images, by exactly one of pixels, numbers and a data set; found {batch.Count} images, " +
                $"{batch.Pixels.Length} pixels, {batch.Images.Length} numbers and {(batch.DataSet is null ? "no" : "a")} data set");
        }
        Dispose();
        if (!batch.Images.IsEmpty)
        {
            _images = new Tensor(_device, _shape, null, "x_0");
        }
        else
        {
            _picks = new Tensor(_device, new Shape(_shape.N, 2), DType.Int32, "the batch's images in the data set");
        }
        if (!batch.Pixels.IsEmpty)
        {
            _pixels = new Tensor(_device, _shape, DType.UInt8, "the batch's pixels");
            _picks!.Upload([.. Enumerable.Range(0, _shape.N).SelectMany(n => (int[])[n, 0])]);
        }
        if (!batch.Labels.IsEmpty)
        {
            _labels = new Tensor(_device, new Shape(_shape.N), DType.Int32, "labels");
        }
        if (!batch.Planes.IsEmpty)
        {
            _planes = new Tensor(_device, _shape.WithChannels(batch.Planes.Length / (_shape.N * _shape.Positions)), null, "condition planes");
        }
        // Last: where memory runs out before, the next batch still differs.
        _dataSet = batch.DataSet;
    }

    /// <summary>Uploads all but the labels, which an objective sees first.</summary>
    public void Upload(FeedBatch batch)
    {
        _pixels?.Upload(batch.Pixels.Span);
        _images?.Upload(batch.Images.Span);
        _planes?.Upload(batch.Planes.Span);
        if (_dataSet is not null)
        {
            _picks!.Upload(batch.Picks.Span);
        }
    }

    /// <summary>Uploads the labels as the objective left them.</summary>
    public void UploadLabels(ReadOnlySpan<int> labels) => _labels?.Upload(labels);

    /// <summary>What an objective sees.</summary>
    public TrainingBatch At(StreamPosition random) => new()
    {
        Shape = _shape,
        Random = random,
        Images = _images,
        Pixels = _pixels ?? _dataSet?.Pixels,
        Picks = _picks,
        Left = _dataSet?.Left ?? 0,
        Width = _dataSet?.Width ?? _shape[2],
        Labels = _labels,
        Planes = _planes,
    };

    /// <summary>Frees the tensors.</summary>
    public void Dispose()
    {
        foreach (var tensor in (Tensor?[])[_pixels, _images, _picks, _labels, _planes])
        {
            tensor?.Dispose();
        }
        (_pixels, _images, _picks, _labels, _planes, _dataSet) = (null, null, null, null, null, null);
    }
}
