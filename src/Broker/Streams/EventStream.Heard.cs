using System.Runtime.InteropServices;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Streams;

/// <content>What other nodes have stored in its log, for those who hear it here (ADR 0086).</content>
internal abstract partial class EventStream
{
    /// <summary>Another node has stored an event. On the thread that numbers: memory alone, and it must not block.</summary>
    public virtual void Heard(in LogEntry entry)
    {
        var body = entry.Body.Span;
        SaidBy(EventBody.PublisherOf(body), EventBody.IdOf(body));
    }

    /// <summary>
    /// Tells who hears the stream of events that another node has stored. On the worker, which may wait for the disk: what goes out with
    /// an event and is no part of it is read.
    /// </summary>
    /// <param name="said">What came with them of other logs; what is not there is read.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public void DeliverHeard(IReadOnlyList<LogEntry> entries, string epoch, IReadOnlyDictionary<(LogName Log, long Seq), StoredEvent> said, List<IMember> touched)
    {
        List<EventDelivery> deliveries = [];
        foreach (var entry in entries)
        {
            var shown = ShownOf(entry, said);
            deliveries.Add(new EventDelivery(
                shown.Seq, FramesOf(shown, epoch, shown.At, MoreOf(shown).Span), EventBody.PublisherOf(shown.Body.Span)));
        }

        Deliver(deliveries, [], entries, touched);
    }

    /// <summary>Events that another node has stored are told, if there was anybody to tell.</summary>
    public void HeardAll()
    {
        Grew();
        HasGrown?.Invoke();
    }

    /// <summary>As <see cref="IEventLog.ReadAfter"/>, of what is stored and not of what is shown.</summary>
    public IReadOnlyList<LogEntry> ReadStored(long after, int limit) => Logs.ReadAfter(Log, after, limit).Entries;

    /// <summary>A stored event as whoever hears the stream is shown it. May read the log.</summary>
    protected virtual LogEntry ShownOf(in LogEntry entry, IReadOnlyDictionary<(LogName Log, long Seq), StoredEvent> said) => entry;

    /// <summary>The event as a plain line, as <see cref="LineOf(IStreamEvent)"/>; null: none is shown.</summary>
    protected virtual PublishFrames? LineOf(in LogEntry heard) => null;

    /// <param name="heard">In the place of events of this node; null: it is those.</param>
    private void Deliver(List<EventDelivery> deliveries, List<IStreamEvent> events, IReadOnlyList<LogEntry>? heard, List<IMember> touched)
    {
        var batch = CollectionsMarshal.AsSpan(deliveries);
        List<PublishFrames>? lines = null;
        foreach (var subscriber in Subscribers)
        {
            if (subscriber.Events is { } wants)
            {
                subscriber.Member.DeliverEvents(subscriber, batch, wants, touched);
            }

            if (subscriber.TextLines is { } wantsLines)
            {
                // Made for the first who asks: most rooms have nobody who does.
                foreach (var line in lines ??= heard is null ? LinesOf(events) : [.. heard.Select(entry => LineOf(entry)).OfType<PublishFrames>()])
                {
                    subscriber.Member.DeliverIfIdle(subscriber, line, wantsLines, touched);
                }
            }
        }
    }
}
