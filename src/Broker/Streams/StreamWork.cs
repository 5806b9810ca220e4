using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Streams;

/// <summary>What waits in a stream's queue for its turn: an event or a task.</summary>
internal interface IStreamWork;

/// <summary>Something else than an event: a presence change, a replay of what is retained.</summary>
internal interface IStreamTask : IStreamWork
{
    /// <summary>
    /// Events and their answers go first: it costs as much as there are people, and is not in their order. Tasks that wait keep their
    /// order among themselves.
    /// </summary>
    bool MayWait => false;

    /// <summary>
    /// Runs on the stream's worker. Connections that were written to and want a flush go into <paramref name="touched"/>.
    /// </summary>
    void Deliver(EventStream stream, List<IMember> touched);
}

/// <summary>A log entry that its log has decided on: delivered if it was stored, and answered in any case.</summary>
internal interface IStreamEvent : IStreamWork
{
    PendingAppend Append { get; }

    /// <summary>What this stream has of it now that it is stored, and in which epoch of its log; null: nothing.</summary>
    StoredEvent? StoredIn(EventStream stream) => StoredEvent.Of(Append);

    /// <summary>
    /// The client it came from, for MQTT 5's No Local; see <see cref="RecentPublishers.MarkOf"/>. 0 for the server's own.
    /// </summary>
    ulong PublisherMark { get; }

    /// <summary>What goes out with it and is no part of it: see <see cref="EventBody.WriteJson"/>.</summary>
    ReadOnlyMemory<byte> More => default;

    /// <summary>What displays and shells are shown of it (`/text`); null: nothing.</summary>
    string? Line();

    void Answer(List<IMember> touched);
}

/// <summary>An event as a stream has it.</summary>
internal readonly record struct StoredEvent(LogEntry Entry, string Epoch)
{
    public static StoredEvent? Of(PendingAppend append) =>
        new StoredEvent(new LogEntry(append.Seq, append.At, append.Author, append.Body), append.Epoch);
}

/// <summary>Where an event goes: into which log, and by which streams to whoever hears it.</summary>
internal interface IEventWay
{
    LogName Log { get; }

    /// <summary>The log has decided. On the log thread: hands on and does not block.</summary>
    /// <param name="told">What delivers it and answers its author.</param>
    void Completed(IStreamEvent told, PendingAppend append);

    /// <summary>See <see cref="PendingAppend.Proceed"/>.</summary>
    void Proceed(bool mayWork);

    /// <summary>See <see cref="IStreamEvent.StoredIn"/>.</summary>
    StoredEvent? StoredIn(EventStream stream, PendingAppend append);
}

/// <summary>One stored event on its way to the members.</summary>
internal readonly record struct EventDelivery(long Seq, PublishFrames Frames, ulong PublisherMark);
