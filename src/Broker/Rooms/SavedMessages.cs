using System.Buffers.Binary;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rooms;

/// <summary>What became of saving a message.</summary>
internal enum SaveOutcome
{
    Done,

    /// <summary>There is no message of this number.</summary>
    NoSuchEvent,

    /// <summary>It was deleted.</summary>
    IsRemoved,

    /// <summary>The account has as many as it may.</summary>
    TooMany,
}

/// <summary>A message that an account has saved: where it is, since when, and what is there now.</summary>
/// <param name="Stream">The room or conversation.</param>
/// <param name="Entry">Null: the account may not read it any more, or it is gone.</param>
internal sealed record SavedMessage(EventStream Stream, long Seq, DateTimeOffset At, LogEntry? Entry, string Epoch);

/// <summary>Which messages each account has saved. Only where they are: what they say is read when it is shown.</summary>
/// <remarks>Records `sv/{account}/{log}` NUL seq(8), value at(8, ms). Thread-safe. One account's changes are in order.</remarks>
internal sealed class SavedMessages(RoomDirectory directory, IRecords records, IEventLog log, BrokerLimits limits, TimeProvider time, ITurns? nodeTurns = null)
    : IAccountRecords
{
    private readonly AccountTurns _turns = AccountTurns.Of(nodeTurns, "saved/");

    /// <summary>Saves a message that the account may read; again, it stays where it is in the list. Reads the disk.</summary>
    /// <exception cref="RecordsNotWrittenException">It could not be stored.</exception>
    public async Task<SaveOutcome> AddAsync(Account account, EventStream stream, long seq)
    {
        using var turn = await _turns.EnterAsync(account.Id);
        var type = !account.IsErased && Find(stream, seq) is { } entry ? EventBody.TypeOf(entry.Body.Span) : 0;
        if (type != EventType.Message)
        {
            return type == EventType.Removed ? SaveOutcome.IsRemoved : SaveOutcome.NoSuchEvent;
        }

        var all = AllOf(account);
        if (all.Exists(one => one.Log == stream.Log && one.Seq == seq))
        {
            return SaveOutcome.Done;
        }

        if (limits.SavedPerAccount is > 0 and var full && all.Count >= full)
        {
            all = await WithoutGoneAsync(account, all);
        }

        if (/* guard: how many messages an account saves */ limits.SavedPerAccount is > 0 and var most && all.Count >= most)
        {
            return SaveOutcome.TooMany;
        }

        // Each has a time of its own: by that a page goes on from another.
        var at = Math.Max(time.GetUtcNow().ToUnixTimeMilliseconds(), all.Count == 0 ? 0 : all[0].At.ToUnixTimeMilliseconds() + 1);
        var value = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(value, at);
        await records.WriteAsync([new RecordChange(Key(account.Id, stream.Log, seq), value)]);
        return SaveOutcome.Done;
    }

    /// <exception cref="RecordsNotWrittenException">It could not be stored.</exception>
    public async Task RemoveAsync(Account account, LogName name, long seq)
    {
        using var turn = await _turns.EnterAsync(account.Id);
        await records.WriteAsync([new RecordChange(Key(account.Id, name, seq), null)]);
    }

    /// <summary>A page of what the account has saved, the newest first, as it is now. Reads the disk.</summary>
    /// <param name="before">Only what was saved before.</param>
    public List<SavedMessage> Page(Account account, DateTimeOffset before, int limit)
    {
        List<SavedMessage> page = [];
        foreach (var (name, seq, at) in AllOf(account).SkipWhile(one => one.At >= before))
        {
            // Of a room that was deleted nothing is left to be named.
            if (page.Count < limit && StreamOf(account, name) is { } stream)
            {
                var mayRead = /* guard: what was saved is shown to who may read it now */ stream is not Room room || RoomPolicy.MayRead(room, account);

                // What cannot be read is shown as what is gone.
                var found = log.FindReadable(stream.Log, seq);
                page.Add(new SavedMessage(stream, seq, at, mayRead ? found?.Entry : null, found?.Epoch ?? ""));
            }
        }

        return page;
    }

    public async Task ForgetAsync(string account)
    {
        // Behind whatever is being saved just now: nothing is after it, for the account is erased.
        using var turn = await _turns.EnterAsync(account);
        await records.WriteInPartsAsync(records.ReadAll(Prefix(account)).Select(record => new RecordChange(record.Key, null)));
    }

    // Nobody sees those of a deleted room, and nobody could take them off.
    private async Task<List<(LogName Log, long Seq, DateTimeOffset At)>> WithoutGoneAsync(Account account, List<(LogName Log, long Seq, DateTimeOffset At)> all)
    {
        var gone = all.FindAll(one => StreamOf(account, one.Log) is null);
        await records.WriteInPartsAsync(gone.Select(one => new RecordChange(Key(account.Id, one.Log, one.Seq), null)));
        return [.. all.Except(gone)];
    }

    private EventStream? StreamOf(Account account, LogName name) =>
        name.RoomKey is { } key ? directory.FindByKey(key)
        : name.Sides is var (one, other) ? directory.InboxOf(account).With(one == account.Id ? other : one)
        : null;

    private LogEntry? Find(EventStream stream, long seq) =>
        log.ReadAfter(stream.Log, seq - 1, 1).Entries is [var entry] && entry.Seq == seq ? entry : null;

    // The newest first.
    private List<(LogName Log, long Seq, DateTimeOffset At)> AllOf(Account account)
    {
        var prefix = Prefix(account.Id).Length;
        return
        [
            .. records.ReadAll(Prefix(account.Id))
                .Select(record => (
                    Log: NameOf(Encoding.ASCII.GetString(record.Key.AsSpan(prefix, record.Key.Length - prefix - 1 - sizeof(long)))),
                    Seq: BinaryPrimitives.ReadInt64BigEndian(record.Key.AsSpan(record.Key.Length - sizeof(long))),
                    At: DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(record.Value))))
                .OrderByDescending(one => one.At),
        ];
    }

    /// <summary>The log of a room or conversation, by its name in a key.</summary>
    public static LogName NameOf(string text) => text.Split('/') is ["d", var one, var other] ? LogName.OfConversation(one, other) : LogName.OfRoom(text[2..]);

    private static byte[] Prefix(string account) => Encoding.ASCII.GetBytes($"sv/{account}/");

    private static byte[] Key(string account, LogName name, long seq)
    {
        byte[] key = [.. Prefix(account), .. Encoding.ASCII.GetBytes(name.Value), 0, .. new byte[sizeof(long)]];
        BinaryPrimitives.WriteInt64BigEndian(key.AsSpan(key.Length - sizeof(long)), seq);
        return key;
    }
}
