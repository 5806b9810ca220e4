namespace WebMessenger.Cluster.Postgres;

/// <summary>A batch on its way to other nodes.</summary>
/// <param name="Payload">As the feed has it; empty: too large to be brought, it is read from there.</param>
/// <param name="Entries">The events of it; empty: they are read where somebody wants them.</param>
internal sealed record BroughtBatch(long Number, byte[] Payload, byte[] Entries)
{
    private const byte Version = 1;

    public int Length => Payload.Length + Entries.Length;

    /// <summary>version(1), count of batches × (number payload entries).</summary>
    public static byte[] Encode(IReadOnlyList<BroughtBatch> batches)
    {
        WireWriter to = new();
        to.Byte(Version);
        to.Number(batches.Count);
        foreach (var batch in batches)
        {
            to.Number(batch.Number);
            to.Bytes(batch.Payload);
            to.Bytes(batch.Entries);
        }

        return to.ToArray();
    }

    /// <summary>Null: these bytes are no such call. A batch without anything but its number says that it is there.</summary>
    public static IReadOnlyList<(long Number, HeardBatch? Batch)>? Decode(ReadOnlySpan<byte> bytes)
    {
        WireReader from = new(bytes);
        if (from.Byte() != Version)
        {
            return null;
        }

        List<(long, HeardBatch?)> batches = [];
        for (var left = from.Count(); left > 0 && from.IsGood; left--)
        {
            var number = from.Number();
            var payload = from.Bytes();
            var brought = from.Bytes();
            if (payload.IsEmpty)
            {
                batches.Add((number, null));
                continue;
            }

            if (HeardBatch.Decode(number, payload) is not { } batch)
            {
                return null;
            }

            if (!brought.IsEmpty)
            {
                if (HeardBatch.DecodeEntries(brought) is not { } entries)
                {
                    return null;
                }

                batch = batch with { Entries = entries };
            }

            batches.Add((number, batch));
        }

        return from.IsGood && from.IsAtEnd ? batches : null;
    }
}
