using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Whom each account ignores: it hears nothing of what they say to it, nor of what they invite it to, and they are not told.
/// </summary>
/// <remarks>
/// Records `ig/{account}/{other}`, all of them in memory too, for it is asked for each whisper: first on disk, then in memory.
/// Thread-safe. One account's changes are in order.
/// </remarks>
internal sealed class IgnoredPeople(
    AccountDirectory accounts, IRecords records, IEventLog log, BrokerLimits limits, TimeProvider time, ITurns? nodeTurns = null) : IAccountRecords
{
    private readonly ConcurrentDictionary<string, ImmutableDictionary<string, DateTimeOffset>> _byAccount = new();
    private readonly AccountTurns _turns = AccountTurns.Of(nodeTurns, "ignored/");

    /// <summary>Whether the account hears nothing of the other. Both are account ids.</summary>
    public bool Ignores(string account, string other) => _byAccount.TryGetValue(account, out var ignored) && ignored.ContainsKey(other);

    /// <summary>Those whom the account ignores, by account id, and since when.</summary>
    public IReadOnlyDictionary<string, DateTimeOffset> Of(string account) =>
        _byAccount.GetValueOrDefault(account) ?? ImmutableDictionary<string, DateTimeOffset>.Empty;

    /// <summary>Reads what is stored. Before anything is served.</summary>
    /// <exception cref="IOException">It cannot be read.</exception>
    public void Load()
    {
        var prefix = "ig/"u8.ToArray();
        for (byte[] last = []; records.ReadPage(prefix, last, RecordParts.WriteAtOnce) is { Count: > 0 } page; last = page[^1].Key)
        {
            foreach (var (key, value) in page)
            {
                var ids = Encoding.ASCII.GetString(key).Split('/');
                Remember(ids[1], ids[2], DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(value)));
            }
        }
    }

    /// <summary>An account ignores somebody, or does not any more, by what it asked another node.</summary>
    public void Heard(RecordChange change)
    {
        var ids = Encoding.ASCII.GetString(change.Key).Split('/');
        if (change.Value is { Length: sizeof(long) } value)
        {
            Remember(ids[1], ids[2], DateTimeOffset.FromUnixTimeMilliseconds(BinaryPrimitives.ReadInt64BigEndian(value)));
        }
        else if (_byAccount.TryGetValue(ids[1], out var ignored))
        {
            _byAccount[ids[1]] = ignored.Remove(ids[2]);
        }
    }

    /// <summary>False: the account ignores as many as it may.</summary>
    /// <exception cref="RecordsNotWrittenException">It could not be stored.</exception>
    public async Task<bool> AddAsync(string account, string other)
    {
        using var turn = await _turns.EnterAsync(account);
        if (Ignores(account, other))
        {
            return true;
        }

        if (limits.IgnoredPerAccount is > 0 and var full && Of(account).Count >= full)
        {
            await RemoveGoneAsync(account);
        }

        if (/* guard: how many an account ignores */ limits.IgnoredPerAccount is > 0 and var most && Of(account).Count >= most)
        {
            return false;
        }

        var now = time.GetUtcNow();
        var value = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(value, now.ToUnixTimeMilliseconds());
        await records.WriteAsync([new RecordChange(Key(account, other), value)]);
        Remember(account, other, now);

        // What was said before and has no number yet is heard before the answer, and nothing after it.
        await log.SettleAsync();
        return true;
    }

    /// <exception cref="RecordsNotWrittenException">It could not be stored.</exception>
    public async Task RemoveAsync(string account, string other)
    {
        using var turn = await _turns.EnterAsync(account);
        if (Ignores(account, other))
        {
            await records.WriteAsync([new RecordChange(Key(account, other), null)]);
            _byAccount[account] = _byAccount[account].Remove(other);
        }
    }

    public async Task ForgetAsync(string account)
    {
        using var turn = await _turns.EnterAsync(account);
        await records.WriteInPartsAsync(
            records.ReadAll(Encoding.ASCII.GetBytes($"ig/{account}/")).Select(record => new RecordChange(record.Key, null)));
        _byAccount.TryRemove(account, out _);
    }

    // In the account's turn. Nobody sees those who are erased, and nobody could take them off by their names.
    private async Task RemoveGoneAsync(string account)
    {
        var gone = Of(account).Keys.Where(other => accounts.Find(other) is not { IsErased: false }).ToList();
        await records.WriteInPartsAsync(gone.Select(other => new RecordChange(Key(account, other), null)));
        _byAccount[account] = _byAccount[account].RemoveRange(gone);
    }

    // In the account's turn, or before anything is served.
    private void Remember(string account, string other, DateTimeOffset since) =>
        _byAccount[account] = _byAccount.GetValueOrDefault(account, ImmutableDictionary<string, DateTimeOffset>.Empty).SetItem(other, since);

    private static byte[] Key(string account, string other) => Encoding.ASCII.GetBytes($"ig/{account}/{other}");
}
