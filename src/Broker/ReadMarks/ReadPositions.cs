using System.Collections.Concurrent;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Broker.ReadMarks;

/// <summary>What became of a mark.</summary>
internal enum MarkOutcome
{
    /// <summary>On disk, or not further on than what is.</summary>
    Taken,

    /// <summary>No such room, or not a member of it.</summary>
    NotOpen,

    /// <summary>The seq belongs to another life of the log.</summary>
    OtherEpoch,

    /// <summary>The store could not write. It may be tried again.</summary>
    NotStored,
}

/// <param name="Now">Where the account is, when it was <see cref="MarkOutcome.Taken"/>.</param>
internal readonly record struct MarkResult(MarkOutcome Outcome, Mark Now = default);

/// <summary>How far an account has read and what is left.</summary>
/// <param name="Unread">Messages after <paramref name="Seq"/> by others: exact up to <see cref="MessageTally.Most"/>.</param>
/// <param name="Head">The newest seq when they were counted.</param>
/// <param name="Bots">Messages after <paramref name="Seq"/> by access tokens of the account: see <see cref="MessageCount"/>.</param>
internal readonly record struct ReadState(long Seq, string Epoch, int Unread, long Head, int Bots = 0);

/// <summary>How far each account has read in its rooms and in its inbox, one position for all its devices.</summary>
/// <remarks>Thread-safe. What begins and forgets positions of one account is called in the order of its comings and goings.</remarks>
/// <param name="replication">Null: a house of one.</param>
internal sealed class ReadPositions(IEventLog log, IRecords records, IReplication? replication = null) : IReadMarks, IAccountRecords
{
    private const int PageLength = 1_000;

    // No record has it. Its removal is what nodes hear.
    private const string RecountPrefix = "recount/";

    // As many as have asked since the start. None is taken out while its account lives: two of one account would write out of order.
    private readonly ConcurrentDictionary<string, AccountPositions> _accounts = new();
    private readonly Tallies _tallies = new(new MessageBlocks(log, records));

    /// <summary>A position has changed. The subscriber hands it on and does not block.</summary>
    public event Action<Account, EventStream>? Changed;

    /// <summary>
    /// What is unread in a log may be less, though nobody has read anything. The subscriber hands it on and does not block.
    /// </summary>
    public event Action<LogName>? Recounted;

    /// <summary>Null: not a member of the room, or gone.</summary>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public ReadState? Find(Account account, EventStream stream)
    {
        if (account.IsErased || Of(account).Find(stream) is not { } mark)
        {
            return null;
        }

        var count = _tallies.CountAfter(stream.Log, mark.Seq, mark.Epoch, account.Id, out var head);
        return new ReadState(mark.Seq, mark.Epoch, count.ByOthers, head, count.ByOwnBots);
    }

    /// <summary>What was a message of the log may be none by now: who asks next is told what is there.</summary>
    public void Recount(LogName log)
    {
        _tallies.Forget(log);
        Recounted?.Invoke(log);
    }

    /// <param name="epoch">The one that <paramref name="seq"/> belongs to; null: the current one.</param>
    /// <param name="isBack">It may be further back than it is. Not of an inbox, whose position stands for all conversations.</param>
    public async Task<MarkResult> MarkAsync(Account account, EventStream stream, long seq, string? epoch, bool isBack = false)
    {
        try
        {
            if (stream is Inbox inbox && !account.IsErased)
            {
                await MarkConversationsAsync(account, inbox, seq, epoch);
                isBack = false;
            }

            return account.IsErased ? new MarkResult(MarkOutcome.NotOpen) : await Of(account).MarkAsync(stream, seq, epoch, isBack);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            return new MarkResult(MarkOutcome.NotStored);
        }
    }

    public async ValueTask LoadAsync(Account account)
    {
        if (account.IsErased)
        {
            return;
        }

        try
        {
            await Of(account).LoadAsync();
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // It is tried again when the account's positions are asked for.
        }
    }

    /// <summary>The account has come onto the room's list.</summary>
    public async Task BeginAsync(Account account, Room room)
    {
        try
        {
            await Of(account).BeginAsync(room);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // It begins where it is when it is first asked for.
        }
    }

    public RecordChange[] RemovalsOf(string accountId, LogName room) =>
        [new(AccountPositions.Key(accountId, room.Value), null), new(NotifyLevels.Key(accountId, room), null)];

    /// <summary>The account has left the room.</summary>
    public async Task ForgetAsync(Account account, Room room)
    {
        ForgetInMemory(account.Id, room.Log);
        if (account.IsGuest)
        {
            return;
        }

        try
        {
            await records.WriteAsync(RemovalsOf(account.Id, room.Log));
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // What is left behind is never looked at: a membership begins with a position of its own.
        }
    }

    public void Ended(Room room, IReadOnlyCollection<string> accountIds)
    {
        foreach (var member in accountIds)
        {
            ForgetInMemory(member, room.Log);
        }

        _tallies.Forget(room.Log);
    }

    public Task ForgetAsync(LogName room, IEnumerable<string> accountIds) =>
        DeleteAsync(accountIds.SelectMany(account => new[] { AccountPositions.Key(account, room.Value), NotifyLevels.Key(account, room) }));

    public Task ForgetAsync(string accountId)
    {
        List<byte[]> written = _accounts.TryRemove(accountId, out var positions) ? positions.ForgetInMemory() : [];
        _tallies.Forget(LogName.OfAccount(accountId));
        return DeleteAsync(records.ReadAll(AccountPositions.Prefix(accountId)).Concat(records.ReadAll(NotifyLevels.Prefix(accountId)))
            .Select(record => record.Key).Concat(written));
    }

    // What was said up to a place in the inbox is read where it was said.
    // Each pointer is looked at once, for the inbox's position moves on only.
    private async Task MarkConversationsAsync(Account account, Inbox inbox, long seq, string? epoch)
    {
        Dictionary<string, long> read = [];
        await Task.Run(() =>
        {
            var head = inbox.LogHead;
            var from = Of(account).Find(inbox)?.Seq ?? 0;
            while (from < seq && (epoch is null || epoch == head.Epoch) && log.ReadAfter(inbox.Log, from, PageLength).Entries is { Count: > 0 } entries)
            {
                foreach (var entry in entries.Where(entry => entry.Seq <= seq))
                {
                    if (EventBody.PointerOf(entry.Body.Span) is var (other, of))
                    {
                        read[other] = Math.Max(read.GetValueOrDefault(other), of);
                    }
                }

                from = entries[^1].Seq;
            }
        });
        foreach (var (other, of) in read)
        {
            try
            {
                await Of(account).MarkAsync(inbox.With(other), of, epoch: null);
            }
            catch (LogDamagedException)
            {
                // Nobody reads on there, and all others are read all the same. The log tells the operator.
            }
        }
    }

    private AccountPositions Of(Account account) => _accounts.GetOrAdd(
        account.Id,
        static (_, of) => new AccountPositions(of.account, of.records, of.isShared, of.announce),
        (account, records, isShared: replication is { IsAlone: false }, announce: (Action<Account, EventStream>)Announce));

    /// <summary>Hears where accounts are that read with other nodes, and what is counted anew there. Before anything is heard.</summary>
    /// <param name="find">The stream of a log, as the account has it; null: nobody of it could be told.</param>
    public void Connect(AccountDirectory accounts, Func<Account, LogName, EventStream?> find)
    {
        replication?.HearRecords(AccountPositions.AllPrefix, change =>
        {
            var (accountId, name) = AccountPositions.ReadKey(change.Key);
            if (_accounts.TryGetValue(accountId, out var positions)
                && positions.Heard(name, change.Value is { } value ? Mark.Parse(value) : null)
                && accounts.Find(accountId) is { } account
                && find(account, LogName.Stored(name)) is { } stream)
            {
                Announce(account, stream);
            }
        });
        replication?.HearRecords(RecountPrefix, change => Recount(LogName.Stored(change.Key.AsSpan(RecountPrefix.Length))));
        replication?.HearLogs(heard =>
        {
            if (heard.Kind is JournalKind.Truncate or JournalKind.Drop)
            {
                Recount(heard.Log);
            }
        });
    }

    /// <summary>
    /// To be written when blocks of a log were made anew: other nodes hear that it was removed, and nothing of it is stored.
    /// </summary>
    public RecordChange[] RecountsOf(LogName log) =>
        replication is { IsAlone: false } ? [new(Encoding.ASCII.GetBytes(RecountPrefix + log.Value), null)] : [];

    private void Announce(Account account, EventStream stream) => Changed?.Invoke(account, stream);

    private void ForgetInMemory(string accountId, LogName name)
    {
        if (_accounts.TryGetValue(accountId, out var positions))
        {
            positions.ForgetInMemory(name);
        }
    }

    private Task DeleteAsync(IEnumerable<byte[]> keys) => records.WriteInPartsAsync(keys.Select(key => new RecordChange(key, null)));
}
