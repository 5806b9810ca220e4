using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Streams;

/// <summary>A connected client as streams see it: whose it is, and what is delivered to it.</summary>
/// <remarks>
/// Thread-safe. What is delivered, and where the client is in each stream, is guarded by one lock of the client's own, which is taken last:
/// while it is held only leaves are taken (docs/architecture.md, Locks), and nothing blocks.
/// Whoever has delivered calls <see cref="FlushAll"/> on those that were touched.
/// </remarks>
internal interface IMember
{
    Account Account { get; }

    /// <summary>Null before it is admitted, and a stream knows nobody before that.</summary>
    LoginSession? Session { get; }

    /// <summary>`person`, `guest` or `bot`.</summary>
    string AuthorKind { get; }

    /// <summary>Whether the client has taken what it was sent, so that a delivery would be written at once and in its turn.</summary>
    bool KeepsUp { get; }

    /// <summary>
    /// The client is being put where it was on an earlier connection, and heard the events of this log then, acknowledging them: it has its
    /// place in any case, or what it has missed would be lost to it.
    /// </summary>
    bool WasIn(LogName log) => false;

    /// <summary>Flushes every member in the list once, and empties it.</summary>
    static void FlushAll(List<IMember> touched)
    {
        foreach (var member in touched)
        {
            member.Flush();
        }

        touched.Clear();
    }

    /// <summary>Hands one delivery to the client: written at once if the window allows, else queued in order.</summary>
    void Deliver(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched);

    /// <summary>For what is never queued: delivered only to a client that keeps up.</summary>
    void DeliverIfIdle(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched);

    /// <summary>For what is said as it is by then when it cannot be said now: written at once, or not at all and false.</summary>
    bool TryDeliver(Subscriber subscriber, PublishFrames frames, Wants wants, List<IMember> touched);

    /// <summary>
    /// Events of a stream, in their turn. Each is written if it is the next that the client is owed and the window allows;
    /// else the client has fallen behind, and the feeder brings it from the log when acknowledgements make room.
    /// So a slow client costs no memory, and misses nothing.
    /// </summary>
    void DeliverEvents(Subscriber subscriber, ReadOnlySpan<EventDelivery> events, Wants wants, List<IMember> touched);

    /// <summary>Sends what was written since the last flush. Never waits.</summary>
    void Flush();

    /// <summary>Until disposed nothing is delivered to the client: for changes to its places that must be seen as one.</summary>
    Lock.Scope HoldWrites();

    /// <summary>
    /// Begins what a subscriber hears of its stream: where the SUBSCRIBE asked, or a durable client was, or with what comes.
    /// Under the write lock, in one hold with making the place known to the stream:
    /// what is stored later comes live, nothing falls in between, and what comes both ways is written once.
    /// </summary>
    void Begin(Subscriber subscriber, CatchUpFrom? from);

    /// <summary>
    /// Changes or (null) ends a place in a stream: what the client asks for no longer is not delivered any more, also not what is queued.
    /// </summary>
    void Replace(Subscriber subscriber, Subscriber? by);
}

/// <summary>A connected client as the author of what is stored: out of whose day it is paid, and who is answered.</summary>
internal interface IPublisher
{
    /// <summary>Tells this account's client, on whatever connection, from all others; see <see cref="RecentPublishers"/>.</summary>
    ulong PublisherMark { get; }

    LoginSession? Session { get; }

    StoragePayer Payer { get; }

    /// <summary>
    /// Another node has the client: it sends there again what it has no answer to, and nobody knows there what is stored here from now on.
    /// </summary>
    bool IsElsewhere => false;

    /// <summary>The publish is stored, or could not be.</summary>
    void Answer(PublishAnswer answer, List<IMember> touched);

    /// <summary>A rule forbids it.</summary>
    /// <param name="topic">As the client sent it.</param>
    void Refuse(PublishAnswer answer, PublishRefusal refusal, string topic, List<IMember> touched);
}
