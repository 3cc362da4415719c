using System.Collections.Concurrent;
using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using RawDiffusion.Core;
using RawDiffusion.Images;

namespace RawDiffusion.Data;

/// <summary>A set of image files: decoded once, in parallel, into memory.</summary>
internal sealed class ImageSet
{
    private readonly IContainer _container;
    private readonly DatasetOptions _options;
    private readonly ClassLayout _layout;
    private readonly Dictionary<string, int> _positions;
    private readonly Image?[] _images;
    private readonly byte[][] _hashes;
    private readonly byte[]?[] _formerHashes;
    private readonly ConcurrentDictionary<int, string> _failures = [];
    private readonly Lock _reporting = new();
    private Image? _first;
    private long _bytes;
    private int _done;

    private ImageSet(IContainer container, ClassLayout layout, DatasetOptions options)
    {
        (_container, _layout, _options) = (container, layout, options);
        _positions = layout.Files.Index().ToDictionary(file => file.Item, file => file.Index, StringComparer.Ordinal);
        int count = layout.Files.Count;
        (_images, _hashes, _formerHashes) = (new Image?[count], new byte[count][], new byte[]?[count]);
    }

    /// <summary>Reads the images that a layout names.</summary>
    /// <exception cref="DataException">An image cannot be read (in strict mode), none can, their sizes differ, or they do not fit into memory.</exception>
    public static IDataset Open(IContainer container, ClassLayout layout, DatasetOptions options)
    {
        var set = new ImageSet(container, layout, options);
        set.DecodeAll();
        set.CheckSizes();
        set.CheckFailures();
        return set.Finish();
    }

    private void DecodeAll()
    {
        var files = Partitioner.Create(_container.Read(_layout.Files.ToArray()), EnumerablePartitionerOptions.NoBuffering);
        try
        {
            // The reading itself, under the partitioner's lock, is for one thread at a time. Break still finishes all earlier files,
            // so what a message names does not hang on how the threads ran.
            Parallel.ForEach(files, (file, state, _) =>
            {
                if (!Decode(file, _positions[file.Name]))
                {
                    state.Break();
                }
                Report();
            });
        }
        catch (AggregateException e)
        {
            ExceptionDispatchInfo.Throw(e.InnerExceptions[0]);
        }
    }

    // False if there is no use in going on.
    private bool Decode(ContainerFile file, int position)
    {
        DecodedImage decoded;
        Image image;
        try
        {
            if (file.Failure is not null)
            {
                throw new DataException(file.Failure);
            }
            decoded = ImageDecoder.Default.Read(file.Bytes);
            image = decoded.Image;
            image = _options.Resize is { } size ? AreaResize.CropAndResize(image, size.Height, size.Width) : image;
            image = _options.Channels is { } channels ? image.WithChannels(channels) : image;
        }
        catch (DataException e)
        {
            _failures[position] = e.Message;
            return true;
        }
        long bytes = Interlocked.Add(ref _bytes, image.Pixels.Length);
        if (bytes > _options.MemoryLimit)
        {
            throw new DataException($"{_container.Path}: its {_images.Length:N0} images do not fit "
                + $"into the {_options.MemoryLimit >> 20:N0} MiB of memory that are allowed for them (about "
                + $"{(double)bytes / (_done + 1) * _images.Length / (1 << 20):N0} MiB are needed). Make them smaller with "
                + "data.resize, or use fewer.");
        }
        _images[position] = image;
        // Grey in three channels trains like grey in one.
        _hashes[position] = SHA256.HashData(image.WithChannels(image.IsGrey ? 1 : 3).Pixels);
        // Version 1 hashed the files; it counts only where the pixels are still those that it read in them.
        _formerHashes[position] = decoded is { Format: ImageFormat.Png or ImageFormat.Jpeg, IsTurned: false } ? SHA256.HashData(file.Bytes) : null;
        var first = Interlocked.CompareExchange(ref _first, image, null) ?? image;
        return (first.Height, first.Width) == (image.Height, image.Width);
    }

    private void Report()
    {
        int done = Interlocked.Increment(ref _done);
        if (_options.Progress is { } progress && (done % 100 == 0 || done == _images.Length))
        {
            lock (_reporting)
            {
                progress.Report((done, _images.Length));
            }
        }
    }

    private void CheckSizes()
    {
        int first = Array.FindIndex(_images, image => image is not null);
        bool IsOther(Image? image) => image is not null && (image.Height, image.Width) != (_images[first]!.Height, _images[first]!.Width);
        int other = first < 0 ? -1 : Array.FindIndex(_images, IsOther);
        if (other >= 0)
        {
            string Tell(int i) => $"{_layout.Files[i]} is {_images[i]!.Height}×{_images[i]!.Width}";
            throw new DataException($"The images in {_container.Path} are of different sizes: {Tell(first)}, {Tell(other)} "
                + "(height × width). Set data.resize, as data.resize=32, to crop and scale all of them to one size.");
        }
    }

    private void CheckFailures()
    {
        if (_failures.IsEmpty)
        {
            return;
        }
        const int Named = 10;
        var lines = _failures.OrderBy(failure => failure.Key).Take(Named).Select(failure => $"\n  {_layout.Files[failure.Key]}: {failure.Value}");
        string list = string.Concat(lines) + (_failures.Count > Named ? $"\n  and {_failures.Count - Named} more" : "");
        string message = $"{_failures.Count} of {_images.Length} images in {_container.Path} cannot be read:{list}";
        if (_options.Strict || _failures.Count == _images.Length)
        {
            string remedy = _failures.Count < _images.Length ? ", or set data.lenient to true to leave such images out" : "";
            throw new DataException($"{message}\nRepair or remove them{remedy}.");
        }
        _options.Warn?.Invoke(message + "\nThey are left out.");
    }

    private IDataset Finish()
    {
        int[] kept = [.. Enumerable.Range(0, _images.Length).Where(i => _images[i] is not null)];
        var first = _images[kept[0]]!;
        int channels = _options.Channels ?? (kept.All(i => _images[i]!.IsGrey) ? 1 : 3);
        string fingerprint = $"v2-{Hash(kept, first, channels, _hashes)}";
        string? former = kept.All(i => _formerHashes[i] is not null) ? Hash(kept, first, channels, _formerHashes!) : null;
        var pixels = new ReadOnlyMemory<byte>[kept.Length];
        for (int k = 0; k < kept.Length; k++)
        {
            pixels[k] = _images[kept[k]]!.WithChannels(channels).Pixels;
            _images[kept[k]] = null;
        }
        int[]? labels = _layout.Labels is { } all ? [.. kept.Select(i => all[i])] : null;
        return new MemoryDataset(first.Height, first.Width, channels, pixels, labels, _layout.ClassNames, _container.Path, fingerprint)
        {
            FormerFingerprint = former,
        };
    }

    private string Hash(int[] kept, Image first, int channels, byte[][] hashes)
    {
        using var fingerprint = new Fingerprint().Add("images").Add(first.Height).Add(first.Width).Add(channels);
        foreach (string name in _layout.ClassNames)
        {
            fingerprint.Add(name);
        }
        // Not the files' names, so that an archive and the folder it was unpacked to are the same set.
        foreach (int i in kept)
        {
            fingerprint.Add(_layout.Labels?[i] ?? -1).Add(hashes[i]);
        }
        return fingerprint.Finish();
    }
}
