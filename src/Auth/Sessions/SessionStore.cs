using System.Buffers.Binary;
using System.Text;
using Microsoft.Extensions.Logging;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Sessions;

/// <summary>
/// Browsers' login sessions and access tokens as records of the event log (<see cref="SessionRecord"/>), in its group commit. What has
/// ended has no record.
/// </summary>
/// <remarks>
/// Whatever is handed over later takes effect later: so the end of a login session is handed over after all that was to be kept of it.
/// Calls that write return at once with a task, which fails with <see cref="RecordsNotWrittenException"/>.
/// </remarks>
internal sealed partial class SessionStore
{
    /// <summary>The length of a state without an epoch: not all was copied yet that version 0.1 has left.</summary>
    private const int NotAllCopied = 9;

    // Its one event is read by nobody. The log gets another epoch, as all do, when the newest events and records were lost: that is how
    // it is noticed here. The event and the state are written in one batch: one without the other is damage as well.
    private static readonly LogName _watched = LogName.Stored("s");

    // Each time another node was quicker; more are a fault of ours.
    private const int Tries = 32;

    // Each reads what is stored first.
    private const int ChangesAtOnce = 8;

    private readonly IRecords _records;
    private readonly ILogger _logger;

    private SessionStore(IRecords records, ILogger logger) => (_records, _logger) = (records, logger);

    /// <summary>No login session by password lives that began then or before.</summary>
    public DateTimeOffset PasswordsEndedBefore { get; private set; } = DateTimeOffset.MinValue;

    private static ReadOnlySpan<byte> StateKey => "s"u8;

    /// <summary>
    /// Takes over what version 0.1 has left, and ends what may have ended already, if records were lost.
    /// A program that is killed in between begins anew with its next start.
    /// </summary>
    /// <exception cref="IOException">It cannot be read or written, or a newer program wrote it.</exception>
    public static async Task<SessionStore> OpenAsync(FormerSessions? former, IEventLog log, IRecords records, TimeProvider time, ILogger logger)
    {
        SessionStore store = new(records, logger);
        var state = records.Find(StateKey);
        if (state is not null && (state.Length < NotAllCopied || state[0] != SessionRecord.Format))
        {
            throw new IOException("The login sessions were written by a newer version of this program.");
        }

        var isWatched = log.Head(_watched).Head > 0;
        if (!isWatched)
        {
            await WatchAsync(log, state is null ? [new([.. StateKey], StateOf(DateTimeOffset.MinValue, epoch: ""))] : []);
        }

        var epoch = log.Head(_watched).Epoch;
        if (/* guard: what has ended is not taken over again from the document store */ state is null || state.Length == NotAllCopied)
        {
            await store.TakeOverAsync(former is null ? [] : await former.ReadAllAsync(), state is not null, isWatched, time.GetUtcNow(), epoch);
        }
        else if (/* guard: login sessions end when records were lost */ Encoding.ASCII.GetString(state.AsSpan(NotAllCopied)) == epoch)
        {
            store.PasswordsEndedBefore = TimeIn(state);
        }
        else
        {
            await store.EndAllAsync(time.GetUtcNow(), epoch);
        }

        // Only now: once they are gone here, the records are all there is. With them a state is there, so none is copied twice, and none
        // that has ended since.
        await (former?.RemoveAllAsync() ?? Task.CompletedTask);
        return store;
    }

    /// <summary>
    /// What the records say is taken for true from here on, though the log has another epoch. Of version 0.1 nothing was to end.
    /// </summary>
    public static async Task KeepAllAsync(IEventLog log, IRecords records)
    {
        if (records.Find(StateKey) is { Length: > NotAllCopied } state && state[0] == SessionRecord.Format)
        {
            if (log.Head(_watched).Head == 0)
            {
                await WatchAsync(log, []);
            }

            await records.WriteAsync([new([.. StateKey], StateOf(TimeIn(state), log.Head(_watched).Epoch))]);
        }
    }

    /// <summary>The first start takes over what version 0.1 has left, and ends what it ends after a loss.</summary>
    public static async Task EndAllAtStartAsync(IEventLog log, IRecords records)
    {
        if (log.Head(_watched).Head == 0)
        {
            await WatchAsync(log, []);
        }

        // With any other state the start sees that the log has another epoch.
        if (records.Find(StateKey) is { Length: NotAllCopied })
        {
            await records.WriteAsync([new([.. StateKey], null)]);
        }
    }

    /// <summary>All there are.</summary>
    /// <param name="removesOthers">Those whose account is not found are removed. Not where another node may have made it just now.</param>
    public async Task<List<LoginSession>> ReadAllAsync(Func<string, Account?> find, bool removesOthers)
    {
        List<LoginSession> sessions = [];
        List<RecordChange> gone = [];
        foreach (var record in ReadRecords())
        {
            if (find(record.Account) is { } account)
            {
                sessions.Add(record.ToSession(account));
            }
            else
            {
                gone.Add(new(record.Key, null));
            }
        }

        await _records.WriteInPartsAsync(removesOthers ? gone : []);
        return sessions;
    }

    /// <summary>New ones, or what of them has changed. The caller knows that none of them has ended.</summary>
    public Task PutAsync(IReadOnlyCollection<LoginSession> sessions) =>
        _records.WriteInPartsAsync(sessions.Select(SessionRecord.Of).Select(record => new RecordChange(record.Key, record.Write())));

    /// <summary>
    /// What has changed of one that is stored, in a house of several nodes. False: another node has ended it, or given it another secret,
    /// and nothing is written.
    /// </summary>
    /// <param name="secret">What is stored of its secret.</param>
    /// <param name="change">Of what is stored just then, which may be newer than what was heard of it.</param>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public async Task<bool> TryChangeAsync(LoginSession session, SecretHash secret, Func<SessionRecord, SessionRecord> change)
    {
        var key = SessionRecord.KeyOf(session.Account.Id, session.Id);
        for (var tries = 0; tries < Tries; tries++)
        {
            var before = await Task.Run(() => _records.Find(key));
            if (before is null || !SessionRecord.TryRead(key, before, out var record) || record.Secret != secret)
            {
                return false;
            }

            if (await _records.WriteAsync([new(key, change(record).Write())], /* guard: what another node has ended is not stored again */ [new(key, before)]) == WriteOutcome.Written)
            {
                return true;
            }
        }

        throw new RecordsNotWrittenException("A login session was changed too often at once.");
    }

    /// <summary>The same of many, each by itself: one that another node has ended keeps no other from being stored.</summary>
    public Task ChangeAsync(IReadOnlyCollection<LoginSession> sessions) => Parallel.ForEachAsync(
        sessions.Where(session => !session.IsRevoked),
        new ParallelOptions { MaxDegreeOfParallelism = ChangesAtOnce },
        async (session, _) =>
        {
            var scope = session.Scope;
            if (await TryChangeAsync(session, session.SecretHash!.Value, stored => stored.UsedAs(session)))
            {
                session.StoredScope = scope;
            }
        });

    /// <summary>Puts another secret in the place of one, and all that comes with it. False: another node has ended it.</summary>
    /// <param name="isShared">There are other nodes.</param>
    public Task<bool> ReplaceAsync(LoginSession other, SecretHash before, bool isShared) =>
        isShared
        ? TryChangeAsync(other, before, stored => stored with { Secret = other.SecretHash!.Value, Certificate = null })
        : StoredAsync(PutAsync([other]));

    /// <summary>Stores which certificate it has. False: another node has ended it.</summary>
    /// <param name="isShared">There are other nodes.</param>
    public Task<bool> PinAsync(LoginSession token, ClientCertificate? certificate, bool isShared) => isShared
        ? TryChangeAsync(token, token.SecretHash!.Value, stored => stored with { Certificate = certificate })
        : StoredAsync(PutAsync([token]));

    public Task RemoveAsync(IReadOnlyCollection<LoginSession> sessions) => _records.WriteInPartsAsync(
        sessions.Select(session => new RecordChange(SessionRecord.KeyOf(session.Account.Id, session.Id), null)));

    public Task RemoveOfAsync(Account account) => _records.WriteInPartsAsync(
        _records.ReadAll(SessionRecord.PrefixOf(account.Id)).Select(record => new RecordChange(record.Key, null)));

    private static async Task<bool> StoredAsync(Task stored)
    {
        await stored;
        return true;
    }

    private static Task WatchAsync(IEventLog log, RecordChange[] changes)
    {
        FirstEvent first = new() { Changes = changes };
        log.Append(first);
        return first.Task;
    }

    // Where the event and the state were not both there, or the copies are there and nothing to be copied, something was lost.
    // Then of what was copied some may be lacking as well, if the damage came before the former ones were removed.
    private async Task TakeOverAsync(List<SessionRecord> former, bool hasState, bool isWatched, DateTimeOffset now, string epoch)
    {
        var isWhole = hasState == isWatched && (former.Count > 0 || _records.ReadPage(SessionRecord.Prefix, [], 1).Count == 0);
        await CopyAsync(former);
        if (/* guard: a lost state of login sessions is no first start */ isWhole)
        {
            await _records.WriteAsync([new([.. StateKey], StateOf(DateTimeOffset.MinValue, epoch))]);
        }
        else
        {
            await EndAllAsync(now, epoch);
        }
    }

    private async Task CopyAsync(List<SessionRecord> former)
    {
        await _records.WriteInPartsAsync(former.Select(record => new RecordChange(record.Key, record.Write())));
        if (former.FirstOrDefault(record => _records.Find(record.Key) is not { } copy || !copy.AsSpan().SequenceEqual(record.Write())) is { } lacking)
        {
            throw new IOException($"The login session {lacking.Id} of accounts.db could not be copied to the event log.");
        }

        if (former.Count > 0)
        {
            LogCopied(_logger, former.Count);
        }
    }

    /// <summary>
    /// Which of them had ended is not known any more: browsers sign in again. Tokens live on, for programs cannot; who revoked one lately
    /// is told to look.
    /// </summary>
    private async Task EndAllAsync(DateTimeOffset now, string epoch)
    {
        List<RecordChange> changes = [];
        var newest = DateTimeOffset.MinValue;
        foreach (var record in ReadRecords())
        {
            newest = record.LastSeen > newest ? record.LastSeen : newest;
            if (record.Kind == LoginSessionKind.Browser)
            {
                changes.Add(new(record.Key, null));
            }
        }

        // The state last: a start that is cut before it ends them again.
        await _records.WriteInPartsAsync(changes);
        await _records.WriteAsync([new([.. StateKey], StateOf(now, epoch))]);
        PasswordsEndedBefore = now;

        // What was written before that moment is there, ends included.
        var since = newest < now ? newest : now;
        LogEnded(_logger, changes.Count, since == DateTimeOffset.MinValue ? "an unknown time" : $"{since.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC");
    }

    private IEnumerable<SessionRecord> ReadRecords()
    {
        foreach (var (key, value) in _records.ReadAll(SessionRecord.Prefix))
        {
            if (SessionRecord.TryRead(key, value, out var record))
            {
                yield return record;
            }
            else
            {
                LogUnreadable(_logger, Encoding.ASCII.GetString(key));
            }
        }
    }

    /// <param name="epoch">Empty: not all was copied yet that version 0.1 has left.</param>
    private static byte[] StateOf(DateTimeOffset passwordsEndedBefore, string epoch)
    {
        var state = new byte[9 + epoch.Length];
        state[0] = SessionRecord.Format;
        BinaryPrimitives.WriteInt64BigEndian(
            state.AsSpan(1), passwordsEndedBefore == DateTimeOffset.MinValue ? 0 : passwordsEndedBefore.ToUnixTimeMilliseconds());
        Encoding.ASCII.GetBytes(epoch, state.AsSpan(9));
        return state;
    }

    private static DateTimeOffset TimeIn(ReadOnlySpan<byte> state) =>
        BinaryPrimitives.ReadInt64BigEndian(state[1..]) is > 0 and var at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : DateTimeOffset.MinValue;

    [LoggerMessage(1224, LogLevel.Information,
        "Copied {Count} login sessions and access tokens from accounts.db to the event log, where they are kept from now on")]
    private static partial void LogCopied(ILogger logger, int count);

    [LoggerMessage(1225, LogLevel.Error,
        "The newest records of the event log are lost, or it was restored from a backup: which login sessions have ended is not known. "
        + "All {Count} of browsers have ended now, and those by password; everybody signs in again. Access tokens that were revoked since {Since} may be back: look at them")]
    private static partial void LogEnded(ILogger logger, int count, string since);

    [LoggerMessage(1226, LogLevel.Warning, "The record {Key} of a login session cannot be read; it opens nothing")]
    private static partial void LogUnreadable(ILogger logger, string key);

    private sealed class FirstEvent() : PendingAppend(_watched, "", null, default, default)
    {
        private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Task => _done.Task;

        protected override void Completed()
        {
            if (Outcome == AppendOutcome.Stored)
            {
                _done.SetResult();
            }
            else
            {
                _done.SetException(new RecordsNotWrittenException("The event log could not be written."));
            }
        }
    }
}
