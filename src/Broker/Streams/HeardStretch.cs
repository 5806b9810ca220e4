using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.Streams;

/// <summary>
/// Events that another node has stored, in their turn among those of this node: a client is written an event only if it is the next, so of
/// what is missing here it brings the rest from the log.
/// </summary>
/// <remarks>A task and no event: the thread that numbers delivers nothing that may have to be read.</remarks>
/// <param name="log">What was appended.</param>
/// <param name="said">See <see cref="EventStream.DeliverHeard"/>.</param>
internal sealed class HeardStretch(ReplicatedLog log, IReadOnlyDictionary<(LogName Log, long Seq), StoredEvent> said) : IStreamTask
{
    /// <summary>So many are written to everybody before they are flushed.</summary>
    private const int AtOnce = 64;

    public void Deliver(EventStream stream, List<IMember> touched)
    {
        try
        {
            // Of most streams nobody hears at this node.
            foreach (var some in stream.Subscribers.Length == 0 ? [] : EntriesOf(stream).Chunk(AtOnce))
            {
                stream.DeliverHeard(some, log.Head.Epoch, said, touched);
                IMember.FlushAll(touched);
            }
        }
        catch (IOException)
        {
            // Who hears the stream finds with the next event that it lacks these, and reads them then.
        }

        stream.HeardAll();
    }

    private IEnumerable<LogEntry> EntriesOf(EventStream stream)
    {
        var next = log.From;
        foreach (var entry in log.Entries)
        {
            foreach (var missing in Read(stream, next, entry.Seq - 1))
            {
                yield return missing;
            }

            yield return entry;
            next = entry.Seq + 1;
        }

        foreach (var missing in Read(stream, next, log.To))
        {
            yield return missing;
        }
    }

    // What was not brought along. What is there no more has gone since.
    private static IEnumerable<LogEntry> Read(EventStream stream, long from, long to)
    {
        while (from <= to && stream.ReadStored(from - 1, (int)Math.Min(AtOnce, to - from + 1)) is { Count: > 0 } page)
        {
            foreach (var entry in page.TakeWhile(entry => entry.Seq <= to))
            {
                stream.Heard(entry);
                yield return entry;
            }

            from = page[^1].Seq + 1;
        }
    }
}
