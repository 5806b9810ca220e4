using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>The way of what an account says or does: a room's, or <see cref="ConversationWay"/>.</summary>
internal interface ISpokenWay : IEventWay
{
    /// <summary>Entries of other logs that come with the event, in its batch.</summary>
    IReadOnlyList<EventPointer> Pointers { get; }

    /// <summary>Records by which it is found, in its batch.</summary>
    IReadOnlyList<RecordChange> Index { get; }

    /// <summary>A client said it: for those who count on no echo of it.</summary>
    /// <param name="publisherMark">0: nobody who could count on that.</param>
    void SaidBy(ulong publisherMark, ReadOnlySpan<byte> id);

    /// <summary>Hands it to the log. False: the room was deleted, or the other erased, meanwhile.</summary>
    /// <param name="moreFollows">See <see cref="IEventLog.Append"/>.</param>
    bool TryAppend(PendingAppend append, bool moreFollows = false);
}
