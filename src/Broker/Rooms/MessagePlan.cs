using WebMessenger.Broker.Events;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What an act on a message would do.</summary>
/// <param name="Ruling">What forbids it; null: nothing that is known yet.</param>
internal sealed record MessagePlan(PublishRefusal? Ruling)
{
    /// <summary>As it was read; null: there is none, or nothing is done to it.</summary>
    public LogEntry? Message { get; init; }

    /// <summary>User names that the new text names.</summary>
    public IReadOnlyList<string> Mentions { get; init; } = [];

    public IReadOnlyList<Replacement> Replacements { get; init; } = [];

    public IReadOnlyList<RecordChange> Changes { get; init; } = [];

    public IReadOnlyList<RecordCondition> Conditions { get; init; } = [];

    /// <summary>It came to nothing: gives back what was paid for its changes.</summary>
    public Action Undone { get; init; } = static () => { };

    /// <summary>Asked again when the event gets its number.</summary>
    public Func<PublishRefusal?>? Rule { get; init; }

    /// <summary>Asked then once, when nothing else forbids it; null: nothing is left to ask.</summary>
    public Func<PublishRefusal?>? Last { get; init; }

    /// <summary>Of an act that nothing forbids. Reads the disk.</summary>
    /// <param name="name">The log that has the message.</param>
    /// <param name="named">User names that an edit names.</param>
    public static MessagePlan Of(
        LogName name,
        MessageAct act,
        Author by,
        LogEntry message,
        IEventLog log,
        Reactions reactions,
        DateTimeOffset now,
        Func<PublishRefusal?> rule,
        IReadOnlyList<string> named)
    {
        if (act is MessageAct.Reaction reaction)
        {
            var plan = reactions.Plan(name, reaction, by, now);
            return new MessagePlan(plan.Ruling) { Message = message, Changes = plan.Changes, Conditions = plan.Conditions, Rule = rule };
        }

        return new MessagePlan(Ruling: null)
        {
            Message = message,
            Mentions = named,
            Replacements = act is MessageAct.Edit edit
                ? ReplacementsOf(name, message, EventBody.WithText(message.Body.Span, edit.Text, named), log) : RemovalOf(name, message, by, log),
            Rule = rule,
        };
    }

    /// <summary>What a deletion makes of the message. Reads the disk.</summary>
    public static IReadOnlyList<Replacement> RemovalOf(LogName name, LogEntry message, Author by, IEventLog log) =>
        ReplacementsOf(name, message, EventBody.Removed(message.Body.Span, by), log);

    private static List<Replacement> ReplacementsOf(LogName name, LogEntry message, byte[] body, IEventLog log)
    {
        List<Replacement> replacements = [new(message.Seq, body)];

        // What an earlier edit said is nowhere then: of those before it the text went with the next.
        if (message.ChangedBy > 0 && EditOf(name, message.ChangedBy, log) is { } before)
        {
            // guard: no text stays in an edit that is over
            replacements.Add(new(before.Seq, EventBody.WithText(before.Body.Span, null)));
        }

        return replacements;
    }

    // Of one that cannot be read nobody knows what it said: the message itself is changed and deleted all the same.
    private static LogEntry? EditOf(LogName name, long seq, IEventLog log) =>
        log.FindReadable(name, seq) is var (edit, _) && EventBody.TypeOf(edit.Body.Span) == EventType.Edit ? edit : null;
}
