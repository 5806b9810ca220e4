using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Streams;

/// <summary>What an event says of the one that it answers, as that one is now.</summary>
internal static class AnsweredQuote
{
    /// <summary>See <see cref="EventStream.QuoteIn"/>.</summary>
    public static ReadOnlyMemory<byte> In(IEventLog logs, LogName name, in LogEntry entry)
    {
        try
        {
            return EventBody.ReplyToOf(entry.Body.Span) is { } seq
                && logs.ReadAfter(name, seq - 1, 1).Entries is [var answered]
                && answered.Seq == seq ? Quote.Of(answered.Body.Span) : default;
        }
        catch (LogDamagedException)
        {
            // The answer can be read, and is shown without it.
            return default;
        }
    }
}
