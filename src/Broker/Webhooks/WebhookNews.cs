using System.Buffers;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Webhooks;

/// <summary>What stands behind the place that a webhook has come to.</summary>
internal enum WebhookNext
{
    /// <summary>Nothing that is told.</summary>
    IsPassed,

    IsTold,

    CannotBeRead,
}

/// <summary>What webhooks are told of a room, out of its log.</summary>
internal sealed class WebhookNews(IEventLog log, TimeProvider time)
{
    /// <summary>Events that are not told, before its place is stored.</summary>
    private const int SkippedAtOnce = 50;

    /// <summary>
    /// The next event that is told, or a stretch without one. What waits to be told is in the log alone: a webhook may fail for hours.
    /// </summary>
    public (long Seq, string Epoch, WebhookNext What) NextOf(Room room, WebhookPlace place)
    {
        for (var seq = place.Seq; ; seq++)
        {
            LogPage page;
            try
            {
                page = log.ReadAfter(room.Log, seq, 1);
            }
            catch (LogDamagedException error) when (!error.MayPass)
            {
                // Where not even the head can be read this fails too, and is tried again.
                var head = log.Head(room.Log);
                return head.Epoch != place.Epoch
                    ? (head.Head, head.Epoch, WebhookNext.IsPassed)
                    : (Math.Max(seq + 1, head.First), head.Epoch, WebhookNext.CannotBeRead);
            }

            if (page.Head.Epoch != place.Epoch)
            {
                return (page.Head.Head, page.Head.Epoch, WebhookNext.IsPassed);
            }

            if (page.Entries is not [var entry])
            {
                return (seq, place.Epoch, WebhookNext.IsPassed);
            }

            seq = entry.Seq - 1;
            if (IsTold(entry) || seq - place.Seq >= SkippedAtOnce)
            {
                return (entry.Seq, place.Epoch, IsTold(entry) ? WebhookNext.IsTold : WebhookNext.IsPassed);
            }
        }
    }

    private static bool IsTold(in LogEntry entry) => EventBody.TypeOf(entry.Body.Span) is EventType.Message or EventType.Edit or EventType.Delete;

    /// <summary>What is posted of an event, as it is by now. Null: there is nothing to tell of it any more.</summary>
    public ReadOnlyMemory<byte>? BodyOf(Room room, long seq, string epoch)
    {
        if (log.FindUndamaged(room.Log, seq) is not var (entry, now) || now != epoch
            || (/* guard: a webhook is not told what was deleted since */ !IsTold(entry)) || EventBody.ExpiryOf(entry.Body.Span) < time.GetUtcNow())
        {
            return null;
        }

        ArrayBufferWriter<byte> body = new(512);
        room.WriteJson(body, entry, epoch, room.MoreOf(entry).Span);
        return body.WrittenMemory;
    }
}
