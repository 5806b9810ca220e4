using System.Buffers.Binary;
using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>Who has reacted to what was said, with what: records beside the log, in the batch of the event that tells of it.</summary>
internal sealed class Reactions(IRecords records)
{
    /// <summary>So many different emoji are on a message at most.</summary>
    public const int KindsPerMessage = 50;

    /// <summary>Most messages have less: what there is, is read at once.</summary>
    private const int Few = 32;

    private static readonly PublishRefusal _tooManyKinds =
        new(ReasonCode.NotAuthorized, "There are 50 different reactions to this message already. Take one of those.", "too_many");

    /// <summary>What a reaction changes, and on what condition. Reads the disk.</summary>
    public RecordsPlan Plan(LogName log, MessageAct.Reaction act, Author by, DateTimeOffset at)
    {
        var own = ReactionKey.Of(log, act.Of, act.Emoji, by.AccountId);
        if (!act.On)
        {
            return records.Find(own) is { } mine
                ? new RecordsPlan(null, [new RecordChange(own, null)], [new RecordCondition(own, mine)])
                : new RecordsPlan(ActResult.NothingToChange, [], []);
        }

        var found = FindFew(log, act, own) ?? FindAmongMany(log, act, own);
        if (found.HasOwn)
        {
            return new RecordsPlan(ActResult.NothingToChange, [], []);
        }

        RecordChange put = new(own, ReactionKey.Value(by, at));
        RecordCondition isNew = new(own, null);
        if (found.Same is { } same)
        {
            // As long as it is there the emoji is none more.
            return new RecordsPlan(null, [put], [isNew, new RecordCondition(same.Key, same.Value)]);
        }

        if (/* guard: different reactions to a message */ found.Kinds >= KindsPerMessage)
        {
            return new RecordsPlan(_tooManyKinds, [], []);
        }

        var count = ReactionKey.PrefixOf(log, act.Of);
        return new RecordsPlan(
            null, [put, new RecordChange(count, Next(found.Counted))], [isNew, new RecordCondition(count, found.Counted)]);
    }

    // Null: there are more.
    private Found? FindFew(LogName log, MessageAct.Reaction act, byte[] own)
    {
        var prefix = ReactionKey.PrefixOf(log, act.Of);
        var page = records.ReadPage(prefix, [], Few);
        if (page.Count == Few)
        {
            return null;
        }

        Found found = new(HasOwn: false, Same: null, Counted: null, Kinds: 0);
        var emoji = "";
        foreach (var record in page)
        {
            if (ReactionKey.TryParse(record.Key, prefix.Length - sizeof(long)) is not { } reaction)
            {
                found = found with { Counted = record.Value };
                continue;
            }

            found = found with
            {
                HasOwn = found.HasOwn || record.Key.AsSpan().SequenceEqual(own),
                Same = found.Same ?? (reaction.Emoji == act.Emoji ? record : null),
                Kinds = found.Kinds + (reaction.Emoji == emoji ? 0 : 1),
            };
            emoji = reaction.Emoji;
        }

        return found;
    }

    private Found FindAmongMany(LogName log, MessageAct.Reaction act, byte[] own)
    {
        if (records.Find(own) is not null)
        {
            return new Found(HasOwn: true, Same: null, Counted: null, Kinds: 0);
        }

        if (records.ReadPage(ReactionKey.PrefixOf(log, act.Of, act.Emoji), [], 1) is [var same])
        {
            return new Found(HasOwn: false, same, Counted: null, Kinds: 0);
        }

        // Read before the kinds are counted: whoever brings a new one meanwhile changes it.
        var counted = records.Find(ReactionKey.PrefixOf(log, act.Of));
        return new Found(HasOwn: false, Same: null, counted, KindsOf(log, act.Of));
    }

    private int KindsOf(LogName log, long seq)
    {
        var prefix = ReactionKey.PrefixOf(log, seq);
        var after = prefix;
        var kinds = 0;

        // From kind to kind: how many have reacted with each costs nothing.
        while (kinds <= KindsPerMessage && records.ReadPage(prefix, after, 1) is [var next])
        {
            var emoji = ReactionKey.TryParse(next.Key, prefix.Length - sizeof(long))?.Emoji ?? "";
            after = [.. prefix, .. Encoding.UTF8.GetBytes(emoji), 1];
            kinds++;
        }

        return kinds;
    }

    private static byte[] Next(byte[]? counted)
    {
        var next = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(next, counted is null ? 1 : BinaryPrimitives.ReadInt64BigEndian(counted) + 1);
        return next;
    }

    /// <summary>What a new reaction has to know of those that are there.</summary>
    /// <param name="HasOwn">It is there already; nothing else is known then.</param>
    /// <param name="Same">One with the same emoji; what is behind it is not known then.</param>
    /// <param name="Counted">How often an emoji was the first of its kind, as stored.</param>
    private readonly record struct Found(bool HasOwn, KeyValuePair<byte[], byte[]>? Same, byte[]? Counted, int Kinds);
}

/// <summary>What an act would change of records beside the log.</summary>
/// <param name="Ruling">Null: nothing forbids it.</param>
internal sealed record RecordsPlan(PublishRefusal? Ruling, IReadOnlyList<RecordChange> Changes, IReadOnlyList<RecordCondition> Conditions);
