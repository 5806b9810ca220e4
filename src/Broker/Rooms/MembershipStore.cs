using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>A place in a room, as it is stored.</summary>
/// <param name="Room">The key of the room.</param>
internal readonly record struct StoredMembership(string Room, string Account, MembershipRecord Record);

/// <summary>Who is in which room, as records of the event log (<see cref="MembershipRecord"/>): who comes and goes at the same time
/// shares a sync.</summary>
/// <remarks>
/// Thread-safe. The directory orders the changes of one place; each is conditional on what the directory took for true, so that
/// another node could not be overruled.
/// Calls that write fail with <see cref="RecordsNotWrittenException"/>, and then nothing of it is stored.
/// </remarks>
internal sealed partial class MembershipStore(IRecords records, ILogger<MembershipStore> logger)
{
    private const int PerPage = 1_000;

    /// <summary>Takes them over from where version 0.1 kept them, if that was not done before.</summary>
    /// <exception cref="IOException">It cannot be read or written, or a newer program wrote it.</exception>
    public async Task OpenAsync(RoomStore former)
    {
        if ((/* guard: who has left is not taken over again from the document store */ records.Find(MembershipRecord.StateKey))
            is not { } state)
        {
            await CopyAsync(await former.FormerMembersAsync());
            await records.WriteAsync([new(MembershipRecord.StateKey, [MembershipRecord.Format])]);
        }
        else if (state is not [MembershipRecord.Format])
        {
            throw new IOException("The lists of rooms were written by a newer version of this program.");
        }

        // Only now: once they are gone there, the records are all there is.
        await former.RemoveFormerMembersAsync();
    }

    /// <summary>All there are, account by account, a page at a time: there may be a million. The next one is read meanwhile.</summary>
    /// <param name="keyOf">The room's key of these ASCII letters, as a string that is there already if there is one.</param>
    /// <exception cref="IOException">It cannot be read.</exception>
    public async IAsyncEnumerable<StoredMembership> AllAsync(Func<ReadOnlySpan<byte>, string> keyOf)
    {
        var (account, last, isOver) = ("", Array.Empty<byte>(), false);
        for (var reading = Task.Run(Page); reading is not null;)
        {
            var page = await reading;
            reading = isOver ? null : Task.Run(Page);
            foreach (var one in page)
            {
                yield return one;
            }
        }

        List<StoredMembership> Page()
        {
            var page = records.ReadPage(MembershipRecord.ByAccount, last, PerPage);
            List<StoredMembership> read = new(page.Count);
            foreach (var (key, value) in page)
            {
                last = key;
                if (MembershipRecord.TryRead(value, out var record))
                {
                    account = MembershipRecord.FirstIn(key, account);
                    read.Add(new StoredMembership(keyOf(MembershipRecord.SecondIn(key)), account, record));
                }
                else
                {
                    LogUnreadable(logger, Encoding.ASCII.GetString(key));
                }
            }

            isOver = page.Count < PerPage;
            return read;
        }
    }

    /// <summary>Puts somebody into a room, or changes his place there.</summary>
    /// <param name="before">What is there now; null: nothing.</param>
    /// <param name="beside">What is written with it.</param>
    public Task PutAsync(
        string room, string account, MembershipRecord? before, MembershipRecord record, params ReadOnlySpan<RecordChange> beside) =>
        WriteAsync([.. ChangesOf(room, account, record), .. beside], [Condition(room, account, before)]);

    /// <summary>Puts somebody into a room who may come in while nothing else is known of him.</summary>
    /// <param name="before">What is there now; null: nothing.</param>
    /// <param name="restraint">The record of what held him back, and is over; null: there is none.</param>
    /// <param name="pass">What he came by; null: by himself, or by an invitation.</param>
    public Task EnterAsync(
        string room, string account, MembershipRecord? before, MembershipRecord record, byte[]? restraint, InvitePass? pass) => WriteAsync(
        [.. ChangesOf(room, account, record), .. pass?.Changes ?? []],
        [
            Condition(room, account, before),
            /* guard: who is banned by another node does not come in */ RestraintStore.Condition(room, account, restraint),
            .. pass?.Conditions ?? [],
        ]);

    /// <summary>
    /// The same of a guest, of whom nothing is written, and who so waits for nobody's write: that what holds him back is as this node knows
    /// it. Of what he comes by its uses are counted, if there is an end to them.
    /// </summary>
    public async Task EnterUnstoredAsync(string room, string account, byte[]? restraint, InvitePass? pass)
    {
        var condition = RestraintStore.Condition(room, account, restraint);
        if (pass is { Changes.Length: > 0 })
        {
            await WriteAsync(pass.Changes, [condition, .. pass.Conditions]);
            return;
        }

        var stored = await Task.Run(() => records.Find(condition.Key));
        if (!(/* guard: a guest who is banned by another node does not come in */ stored.AsSpan().SequenceEqual(restraint)))
        {
            throw new RecordsNotWrittenException("Who may come into the room was changed by somebody else at the same time.");
        }
    }

    /// <summary>Puts all of these, whatever is there; before anything is served.</summary>
    public async Task PutAllAsync(IReadOnlyCollection<StoredMembership> all)
    {
        foreach (var some in all.Chunk(PerPage))
        {
            await records.WriteAsync([.. some.SelectMany(one => ChangesOf(one.Room, one.Account, one.Record))]);
        }
    }

    /// <summary>Takes somebody out of a room.</summary>
    /// <param name="before">What is there now.</param>
    /// <param name="beside">What goes with it.</param>
    public Task RemoveAsync(string room, string account, MembershipRecord before, params ReadOnlySpan<RecordChange> beside) =>
        WriteAsync([.. ChangesOf(room, account, null), .. beside], [Condition(room, account, before)]);

    /// <summary>Gives an erased owner's room to somebody who is in it, whom nothing holds back there from then on.</summary>
    public Task HandOverAsync(string room, string former, string heir, MembershipRecord before, MembershipRecord record) => WriteAsync(
        [
            .. ChangesOf(room, former, null),
            .. ChangesOf(room, heir, record),
            .. /* guard: who inherits a room is not muted there */ RestraintStore.ChangesOf(room, heir, null),
        ],
        [Condition(room, heir, before)]);

    /// <summary>Takes an account out of all rooms: looked up by the account, so that others cost nothing (fault R3).</summary>
    public Task RemoveAccountAsync(string account) => RemoveAllAsync(
        MembershipRecord.OfAccount(account), key => MembershipRecord.RoomKey(MembershipRecord.SecondOf(key), account));

    /// <summary>Takes everybody out of a room that is there no more.</summary>
    public Task RemoveRoomAsync(string room) => RemoveAllAsync(
        MembershipRecord.OfRoom(room), key => MembershipRecord.AccountKey(MembershipRecord.SecondOf(key), room));

    /// <summary>The accounts that have a place in a room, a page at a time, while it is removed as well.</summary>
    public IEnumerable<string> AccountsOf(string room)
    {
        var prefix = MembershipRecord.OfRoom(room);
        byte[] last = [];
        IReadOnlyList<KeyValuePair<byte[], byte[]>> page;
        do
        {
            page = records.ReadPage(prefix, last, PerPage);
            foreach (var (key, _) in page)
            {
                last = key;
                yield return MembershipRecord.SecondOf(key);
            }
        }
        while (page.Count == PerPage);
    }

    /// <summary>For the batch of an event.</summary>
    /// <param name="record">Null: nothing is to be there.</param>
    public static RecordChange[] ChangesOf(string room, string account, MembershipRecord? record)
    {
        var value = record?.Write();
        return [new(MembershipRecord.AccountKey(account, room), value), new(MembershipRecord.RoomKey(room, account), value)];
    }

    public static RecordCondition Condition(string room, string account, MembershipRecord? record) =>
        new(MembershipRecord.AccountKey(account, room), record?.Write());

    private async Task WriteAsync(RecordChange[] changes, RecordCondition[] conditions)
    {
        if (await records.WriteAsync(changes, conditions) is WriteOutcome.Conflict)
        {
            throw new RecordsNotWrittenException("The list of the room was changed by somebody else at the same time.");
        }
    }

    // Some at a time: nothing else is written in between that could not be, for neither the account nor the room comes back.
    private async Task RemoveAllAsync(byte[] prefix, Func<byte[], byte[]> other)
    {
        for (var page = records.ReadPage(prefix, [], PerPage); page.Count > 0; page = records.ReadPage(prefix, page[^1].Key, PerPage))
        {
            await records.WriteAsync([.. page.SelectMany(one => new RecordChange[] { new(one.Key, null), new(other(one.Key), null) })]);
            if (page.Count < PerPage)
            {
                return;
            }
        }
    }

    private async Task CopyAsync(List<StoredMembership> former)
    {
        await PutAllAsync(former);
        if (former.Where(one => ChangesOf(one.Room, one.Account, one.Record).Any(change => !IsThere(change))).ToList() is [var lacking, ..])
        {
            throw new IOException(
                $"The place of account {lacking.Account} in room {lacking.Room} could not be copied from accounts.db to the event log.");
        }

        if (former.Count > 0)
        {
            LogCopied(logger, former.Count);
        }
    }

    private bool IsThere(RecordChange change) => records.Find(change.Key) is { } copy && copy.AsSpan().SequenceEqual(change.Value);

    [LoggerMessage(4271, LogLevel.Information,
        "Copied {Count} places in rooms from accounts.db to the event log, where they are kept from now on")]
    private static partial void LogCopied(ILogger logger, int count);

    [LoggerMessage(4272, LogLevel.Warning, "The record {Key} of a place in a room cannot be read; it opens nothing")]
    private static partial void LogUnreadable(ILogger logger, string key);
}
