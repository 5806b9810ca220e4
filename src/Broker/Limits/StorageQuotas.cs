using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Limits;

/// <summary>The quota of each account that has stored something lately, one for all its clients, and its place on disk.</summary>
/// <remarks>
/// Thread-safe. What is used is noted once a minute and at the end, so a crash gives back a minute at most.
/// There are as many records as accounts have stored something within a day: what has come back is forgotten, here and on disk.
/// </remarks>
/// <param name="prefix">Of the records.</param>
/// <param name="kind">As other nodes are told of it.</param>
internal class StorageQuotas(BrokerLimits limits, IRecords records, TimeProvider time, string prefix = "quota/", byte kind = 7) : ISharedUse
{
    /// <summary>So old an account has a quota of its own alone: who makes many on one day gets no disk by it on that day.</summary>
    private static readonly TimeSpan NewFor = TimeSpan.FromDays(1);

    private readonly byte[] _prefix = Encoding.ASCII.GetBytes(prefix);
    private readonly ConcurrentDictionary<string, StorageQuota> _quotas = new();
    private readonly AddressQuotas _addresses = new(limits.StoredBytesPerDayPerAddress, time);

    private AccountDirectory? _accounts;

    // By account: when what is noted had been taken. The start's and the noting's, one after the other.
    private readonly Dictionary<string, TimeSpan> _noted = [];

    public int Count => _quotas.Count;

    byte ISharedUse.Kind => kind;

    IReadOnlyList<KeyValuePair<string, long>> ISharedUse.Untold =>
        [.. _quotas.Select(one => KeyValuePair.Create(one.Key, one.Value.Untold)).Where(one => one.Value > 0)];

    void ISharedUse.Told(string key, long count) => Find(key)?.Told(count);

    void ISharedUse.UsedElsewhere(string key, long count)
    {
        if (_accounts?.Find(key) is { } account)
        {
            Of(account).TakeElsewhere(count);
        }
    }

    public StorageQuota Of(Account account) => _quotas.GetOrAdd(
        account.Id, static (_, of) => new StorageQuota(of.limit, 0, of.time), (limit: LimitOf(account), time));

    /// <summary>Out of which a login session pays.</summary>
    public StorageQuota Of(LoginSession session) => Of(session.Account) is var quota && (/* guard: limited tokens have half of the day */ session.Scope.IsLimited) ? quota.Limited : quota;

    /// <summary>The same, for who connects from an address: guests and new accounts pay out of its quota as well.</summary>
    public StorageQuota Of(LoginSession session, IPAddress? address)
    {
        var account = session.Account;
        var lasting = account.IsGuest ? TimeSpan.MaxValue
            : account.Profile.IsAdministrator ? TimeSpan.Zero
            : NewFor - (time.GetUtcNow() - account.CreatedAt);
        Of(account).PayAlso((/* guard: guests and new accounts pay with all at their address */ lasting > TimeSpan.Zero) ? _addresses.Of(address) : null, lasting);
        return Of(session);
    }

    /// <summary>Null: the account has all of its day.</summary>
    public StorageQuota? Find(string accountId) => _quotas.GetValueOrDefault(accountId);

    /// <summary>Reads what was used before the start. Before anything is served.</summary>
    /// <exception cref="IOException">The store cannot be read.</exception>
    public void Load(AccountDirectory accounts)
    {
        _accounts = accounts;
        var now = time.GetUtcNow() - DateTimeOffset.UnixEpoch;
        foreach (var (key, value) in records.ReadAll(_prefix))
        {
            var id = Encoding.ASCII.GetString(key.AsSpan(_prefix.Length));
            var used = BinaryPrimitives.ReadInt64BigEndian(value);
            _noted[id] = TimeSpan.Zero;
            if (accounts.Find(id) is not { } account || LimitOf(account) is not (> 0 and var limit))
            {
                continue;
            }

            // A clock that was set back gives nothing, and one that was set ahead a whole day at most, which is what a day is worth.
            var at = TimeSpan.FromMilliseconds(BinaryPrimitives.ReadInt64BigEndian(value.AsSpan(8)));
            TokenBucket noted = new(limit - Math.Min(used, limit), at);
            var stillUsed = limit - noted.Left(new(limit, limit, TimeSpan.FromDays(1)), now);
            if (stillUsed > 0)
            {
                StorageQuota quota = new(limit, stillUsed, time);
                (_quotas[id], _noted[id]) = (quota, quota.LastTaken);
            }
        }
    }

    /// <summary>
    /// Writes down what has changed, and forgets who has no connection and all of the day again. Fails with <see cref="IOException"/>.
    /// </summary>
    /// <param name="writes">Else another node does.</param>
    public async Task NoteAsync(IConnectedAccounts connected, bool writes = true)
    {
        _addresses.Sweep();
        var at = time.GetUtcNow().ToUnixTimeMilliseconds();
        List<RecordChange> changes = [];
        Dictionary<string, TimeSpan> fresh = [];
        foreach (var (id, quota) in _quotas)
        {
            var (taken, used) = (quota.LastTaken, quota.Used);
            if (used == 0 && !connected.IsConnected(id))
            {
                _quotas.TryRemove(id, out _);
            }
            else if (writes && used > 0 && taken != _noted.GetValueOrDefault(id))
            {
                // Only what was taken since: what comes back with time is reckoned from the note.
                changes.Add(new RecordChange(KeyOf(id), ValueOf(used, at)));
                fresh[id] = taken;
            }
        }

        if (!writes)
        {
            return;
        }

        var over = _noted.Keys.Where(id => !_quotas.TryGetValue(id, out var quota) || quota.Used == 0).ToList();
        changes.AddRange(over.Select(id => new RecordChange(KeyOf(id), null)));
        await records.WriteInPartsAsync(changes);
        over.ForEach(id => _noted.Remove(id));
        foreach (var (id, taken) in fresh)
        {
            _noted[id] = taken;
        }
    }

    /// <summary>The limits are others from now on.</summary>
    public void LimitsChanged(AccountDirectory accounts)
    {
        foreach (var (id, quota) in _quotas)
        {
            if (accounts.Find(id) is { } account)
            {
                quota.Become(LimitOf(account));
            }
        }
    }

    private int LimitOf(Account account) => (/* guard: a guest stores less than an account */ account.IsGuest) ? limits.StoredBytesPerDayPerGuest : limits.StoredBytesPerDayPerAccount;

    private byte[] KeyOf(string accountId) => [.. _prefix, .. Encoding.ASCII.GetBytes(accountId)];

    private static byte[] ValueOf(long used, long at)
    {
        var value = new byte[16];
        BinaryPrimitives.WriteInt64BigEndian(value, used);
        BinaryPrimitives.WriteInt64BigEndian(value.AsSpan(8), at);
        return value;
    }
}
