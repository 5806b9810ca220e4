using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <content>
/// Who is here with other nodes, and what was said there (ADR 0086). What is heard is memory's alone: the thread that numbers calls it.
/// </content>
internal sealed partial class Room
{
    /// <inheritdoc cref="RoomPeople.HeardHere"/>
    public void HeardHere(Account account, string node, PresentNote note, DateTimeOffset? goneAt)
    {
        lock (Gate)
        {
            if (!_isDeleted)
            {
                _people.HeardHere(account, node, note, goneAt);
            }
        }
    }

    /// <inheritdoc cref="RoomPeople.HeardGone"/>
    public void HeardGone(string accountId, string node)
    {
        lock (Gate)
        {
            _people.HeardGone(accountId, node);
        }
    }

    /// <inheritdoc cref="RoomPeople.HeardSaid"/>
    public void HeardSaid(string accountId, PresentNote? note)
    {
        lock (Gate)
        {
            _people.HeardSaid(accountId, note);
        }
    }

    /// <inheritdoc cref="SharedPresence.WriteAgain"/>
    public void WriteHereAgain(string accountId)
    {
        lock (Gate)
        {
            if (!_isDeleted)
            {
                _people.WriteHereAgain(accountId);
            }
        }
    }

    /// <inheritdoc cref="SharedPresence.TrySay"/>
    public bool TrySay(SharedPresence shared, Announcement announcement)
    {
        lock (Gate)
        {
            return shared.TrySay(announcement);
        }
    }

    /// <inheritdoc cref="SharedPresence.TakeBack"/>
    public void TakeBack(SharedPresence shared, Announcement announcement)
    {
        lock (Gate)
        {
            shared.TakeBack(announcement);
        }
    }

    /// <summary>Some of those whom an event was to name were named by another node: it is said of the others.</summary>
    public void SayWhoIsLeft(Announcement announcement)
    {
        lock (Gate)
        {
            _people.SayWhoIsLeft(announcement);
        }
    }

    /// <summary>Its rules know what was said elsewhere: who waits by slow mode, what was written before, when everybody was
    /// called.</summary>
    public override void Heard(in LogEntry entry)
    {
        base.Heard(entry);
        var body = entry.Body.Span;
        if (EventBody.TypeOf(body) != EventType.Message)
        {
            return;
        }

        var policy = _record.Policy;
        if (/* guard: slow mode counts what was said on other nodes */ policy.SlowMode > 0)
        {
            SlowMode.Spoke(entry.Author);
        }

        if ((/* guard: the same text again, said on another node before */ policy.Guard.Repeats > 0) && EventBody.RepeatableIn(body) is { } text)
        {
            Guard.Said(entry.Author, new GuardedText(text).Fold);
        }

        if (/* guard: how often everybody is called, on all nodes */ EventBody.CallsEveryone(body))
        {
            EveryoneCalls.Called(entry.At);
        }
    }

    protected override PublishFrames? LineOf(IStreamEvent stored) =>
        stored.Line() is { } line ? new PublishFrames(TopicKind.Text, TextTopic, Encoding.UTF8.GetBytes(line)) : null;

    protected override PublishFrames? LineOf(in LogEntry heard) =>
        HeardLine.Of(heard) is { } line ? new PublishFrames(TopicKind.Text, TextTopic, Encoding.UTF8.GetBytes(line)) : null;
}
