using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <content>What was said in it on another node (ADR 0086), and its lines.</content>
internal sealed partial class Room
{
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

        if (/* guard: the same text again, said on another node before */ policy.Guard.Repeats > 0 && EventBody.RepeatableIn(body) is { } text)
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
