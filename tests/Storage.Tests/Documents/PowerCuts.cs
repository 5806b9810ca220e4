using WebMessenger.Storage.Documents;
using static WebMessenger.Storage.Tests.Documents.RecordedDisk;

namespace WebMessenger.Storage.Tests.Documents;

/// <summary>
/// Cuts the power at random points of a recording, and leaves on the disk what was synced and, of the rest, whatever chance keeps:
/// whole, torn, or not at all.
/// </summary>
internal static class PowerCuts
{
    private static readonly double[] Luck = [0, 0.1, 0.5, 0.9, 1];
    private static readonly int[] SectorSizes = [512, 4096];

    /// <summary>What a cut left behind.</summary>
    /// <param name="At">Operations done before the cut.</param>
    /// <param name="Acknowledged">The newest transaction acknowledged before the cut; 0 for none.</param>
    public sealed record Image(int At, int Acknowledged, StoreFiles Files)
    {
        /// <summary>A recording that begins with this image.</summary>
        public IEnumerable<Operation> AsRecording()
        {
            foreach (var (number, file) in new[] { Files.Data, Files.Log }.Index())
            {
                var bytes = new byte[file.Length];
                file.Read(bytes, 0);
                yield return new Written(number, 0, bytes);
                yield return new Synced(number);
            }
            yield return new Acknowledgement(Acknowledged);
        }
    }

    public static IEnumerable<Image> Of(IReadOnlyList<Operation> recording, int count, int seed, int from = 0)
    {
        Random random = new(seed);
        var cuts = Enumerable.Range(0, count).Select(_ => random.Next(from, recording.Count + 1)).Order().ToArray();
        MemoryFile[] safe = [new(), new()];
        List<FileOperation>[] unsafeYet = [[], []];
        var acknowledged = 0;
        var done = 0;
        foreach (var cut in cuts)
        {
            for (; done < cut; done++)
            {
                switch (recording[done])
                {
                    case Acknowledgement acknowledgement:
                        acknowledged = acknowledgement.Transaction;
                        break;
                    case Synced(var file):
                        unsafeYet[file].ForEach(operation => Apply(operation, safe[file]));
                        unsafeYet[file].Clear();
                        break;
                    case FileOperation operation:
                        unsafeYet[operation.File].Add(operation);
                        break;
                }
            }
            yield return new Image(cut, acknowledged, new StoreFiles("image", Survivor(safe[0], unsafeYet[0], random), Survivor(safe[1], unsafeYet[1], random)));
        }
    }

    private static MemoryFile Survivor(MemoryFile safe, List<FileOperation> unsafeYet, Random random)
    {
        var file = safe.Copy();
        var luck = Luck[random.Next(Luck.Length)];
        var sector = SectorSizes[random.Next(SectorSizes.Length)];
        foreach (var operation in unsafeYet)
        {
            foreach (var part in Parts(operation, sector))
            {
                if (random.NextDouble() < luck)
                {
                    Apply(part, file);
                }
                else if (part is Written written && random.Next(2) == 0)
                {
                    // The file has grown, but what it grew for was not written.
                    file.SetLength(Math.Max(file.Length, written.Offset + written.Bytes.Length));
                }
            }
        }
        return file;
    }

    private static IEnumerable<FileOperation> Parts(FileOperation operation, int sector)
    {
        if (operation is not Written written)
        {
            yield return operation;
            yield break;
        }
        for (var start = 0; start < written.Bytes.Length;)
        {
            var length = (int)Math.Min(written.Bytes.Length - start, sector - ((written.Offset + start) % sector));
            yield return written with { Offset = written.Offset + start, Bytes = written.Bytes[start..(start + length)] };
            start += length;
        }
    }

    private static void Apply(FileOperation operation, MemoryFile file)
    {
        switch (operation)
        {
            case Written written:
                file.Write(written.Bytes, written.Offset);
                break;
            case Resized resized:
                file.SetLength(resized.Length);
                break;
        }
    }
}
