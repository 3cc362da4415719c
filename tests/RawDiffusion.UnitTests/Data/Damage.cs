using RawDiffusion.Core;
using RawDiffusion.Data;

namespace RawDiffusion.UnitTests.Data;

/// <summary>Damages files as transfers and disks do: bytes changed, runs zeroed, ends cut off, parts doubled or left out.</summary>
internal static class Damage
{
    /// <summary>Copies of a file, each with one to three damages; the same for the same seed.</summary>
    public static IEnumerable<byte[]> Of(byte[] file, int count, int seed)
    {
        var random = new Random(seed);
        for (int i = 0; i < count; i++)
        {
            byte[] damaged = file;
            for (int rounds = random.Next(1, 4); rounds > 0 && damaged.Length > 0; rounds--)
            {
                damaged = Once(damaged, random);
            }
            yield return damaged;
        }
    }

    /// <summary>Opens 1,000 damaged copies of a file: each gives a set or a <see cref="DataException"/>, and nothing else.</summary>
    /// <param name="path">The file, written anew each time.</param>
    /// <param name="open">What to open: the file, or a folder that holds it.</param>
    /// <returns>How many were refused.</returns>
    public static int Refusals(string path, string open)
    {
        int refused = 0;
        foreach (byte[] damaged in Of(File.ReadAllBytes(path), 1000, seed: 1))
        {
            File.WriteAllBytes(path, damaged);
            try
            {
                DatasetOpener.Open(open, new DatasetOptions { MemoryLimit = 1 << 24 });
            }
            catch (DataException e)
            {
                Assert.NotEqual("", e.Message);
                refused++;
            }
        }
        return refused;
    }

    private static byte[] Once(byte[] file, Random random)
    {
        int at = random.Next(file.Length), run = Math.Min(random.Next(1, 65), file.Length - at);
        byte[] copy = [.. file];
        switch (random.Next(6))
        {
            case 0: copy[at] ^= (byte)(1 << random.Next(8)); return copy;
            case 1: copy[at] = (byte)random.Next(256); return copy;
            case 2: copy.AsSpan(at, run).Clear(); return copy;
            case 3: copy.AsSpan(at, run).Fill(0xFF); return copy;
            case 4: return file[..at];
            default: return random.Next(2) == 0 ? [.. file[..at], .. file[(at + run)..]] : [.. file[..(at + run)], .. file[at..]];
        }
    }
}
