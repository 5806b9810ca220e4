using System.Net;

namespace WebMessenger.Auth.Limits;

/// <summary>
/// How often a password may be guessed. Counted per address, per login, and per login *and* address: whoever guesses at my account from
/// elsewhere does not lock me out (attack 20).
/// </summary>
/// <remarks>
/// <para>Thread-safe. An attempt is counted before the password is checked, so that a thousand at once are not all let in before the first
/// has failed.</para>
/// <para>A login is what was typed, folded, and not whose it is: or ten wrong passwords for an e-mail address would tell, by the limit of
/// a user name, that both belong to one account.</para>
/// <para>A login that was right from an address before is counted there by itself. So neither strangers behind the same address nor
/// strangers who guess at it from everywhere keep its owner out.</para>
/// </remarks>
/// <param name="isShared">What is counted by login or account is told to other nodes.</param>
internal sealed class AttemptLimits(AuthOptions options, TimeProvider time, bool isShared = false)
{
    /// <summary>Before an account's id: the tries of somebody who is signed in to it. No login that is typed begins so.</summary>
    internal const char OwnPrefix = '#';

    // Ten wrong in a row, then one every six minutes.
    private const int WrongPerLoginAndAddress = 10;

    // Where the owner is at home, neighbours behind the same address guess out of the same:
    // what locks a login elsewhere leaves him two thirds.
    private const int WrongPerLoginAtHome = 3 * WrongPerLoginAndAddress;

    private readonly AddressBuckets _signIns = new(options.SignInsPerMinutePerAddress, TimeSpan.FromMinutes(1), time);
    private readonly AddressBuckets _guests = new(options.GuestsPerMinutePerAddress, TimeSpan.FromMinutes(1), time);
    private readonly AddressBuckets _links = new(options.SignInsPerMinutePerAddress, TimeSpan.FromMinutes(1), time);
    private readonly AddressBuckets _registrations = new(options.RegistrationsPerHourPerAddress, TimeSpan.FromHours(1), time);
    private readonly SharedBuckets _wrongFromAnywhere = new(
        2, new(options.SignInsPerMinutePerAddress == 0 ? 0 : options.WrongPasswordsPerHourPerAccount, TimeSpan.FromHours(1), time), isShared);
    private readonly Buckets<(string Login, Origin Origin)> _wrong = new(
        options.SignInsPerMinutePerAddress == 0 ? 0 : WrongPerLoginAndAddress, TimeSpan.FromHours(1), time);
    private readonly Buckets<(string Login, Origin Origin)> _wrongAtHome = new(
        options.SignInsPerMinutePerAddress == 0 ? 0 : WrongPerLoginAtHome, TimeSpan.FromHours(1), time);
    private readonly SharedBuckets _accountTries = new(3, new(options.AccountTriesPerDay, TimeSpan.FromDays(1), time), isShared);
    private readonly SharedBuckets _userNames = new(4, new(options.UserNameChangesPerMonth, TimeSpan.FromDays(30), time), isShared);
    private readonly SharedBuckets _displayNames = new(5, new(options.DisplayNameChangesPerHour, TimeSpan.FromHours(1), time), isShared);
    private readonly RememberedLogins _right = new(time);

    /// <summary>What other nodes are told. By address, the limits are each node's own.</summary>
    public IReadOnlyList<ISharedUse> Shared => [_wrongFromAnywhere, _accountTries, _userNames, _displayNames];

    /// <summary>Null: allowed, and counted.</summary>
    public TimeSpan? TakeRegistration(IPAddress? address) => _registrations.Take(address);

    /// <summary>Null: allowed, and counted.</summary>
    public TimeSpan? TakeGuest(IPAddress? address) => /* guard: guessing and guests are counted apart */ _guests.Take(address);

    /// <summary>Null: allowed, and counted. As often as signing in, and beside it: who tries links keeps nobody from signing in.</summary>
    public TimeSpan? TakeLink(IPAddress? address) => /* guard: password links are tried so often */ _links.Take(address);

    /// <summary>A user name or an e-mail address that the account tries to take. Null: allowed, and counted.</summary>
    public TimeSpan? TakeAccountTry(string account) => _accountTries.Take(account);

    /// <summary>Nothing was tried after all, and so nothing told.</summary>
    public void GiveAccountTry(string account) => _accountTries.Give(account);

    /// <summary>Null: allowed, and counted.</summary>
    public TimeSpan? TakeUserName(string account) => _userNames.Take(account);

    /// <summary>It was not changed after all.</summary>
    public void GiveUserName(string account) => _userNames.Give(account);

    /// <summary>Null: allowed, and counted.</summary>
    public TimeSpan? TakeDisplayName(string account) => _displayNames.Take(account);

    /// <summary>It was not changed after all.</summary>
    public void GiveDisplayName(string account) => _displayNames.Give(account);

    /// <summary>Null: allowed, and counted as wrong until <see cref="WasRight"/>.</summary>
    /// <param name="isAtHome">The owner is signed in from that address: counted there by itself, whatever was wrong before he came.</param>
    /// <param name="taken">What was taken for it: that, and only that, is there to be given back.</param>
    public TimeSpan? TakePassword(string login, IPAddress? address, Func<bool> isAtHome, out PasswordTry taken)
    {
        taken = default;
        var origin = Origin.Of(address);
        var atHome = IsAtHome(login, origin, isAtHome);
        var wrong = WrongOf(login, atHome);
        if (wrong.Wait((login, origin)) is { } wait)
        {
            return wait;
        }

        var crowded = (/* guard: sign-ins of an address (2) */ _signIns.Take(address)) ?? /* guard: guessing from everywhere */ _wrongFromAnywhere.Take(login);
        taken = new PasswordTry(OfAll: crowded is null, atHome);
        return /* guard: attempts at passwords */ crowded is not null && !atHome ? crowded : wrong.Take((login, origin));
    }

    /// <summary>Null: a password would be checked now. Counts nothing.</summary>
    public TimeSpan? WaitForPassword(string login, IPAddress? address, Func<bool> isAtHome)
    {
        var origin = Origin.Of(address);
        var atHome = IsAtHome(login, origin, isAtHome);
        if (WrongOf(login, atHome).Wait((login, origin)) is { } wait)
        {
            return wait;
        }

        var crowded = (/* guard: sign-ins of an address (1) */ _signIns.Wait(address)) ?? _wrongFromAnywhere.Wait(login);
        return crowded is not null && !atHome ? crowded : null;
    }

    /// <summary>Nothing was checked, so nothing was wrong.</summary>
    /// <param name="taken">As <see cref="TakePassword"/> said.</param>
    public void WasNotChecked(string login, IPAddress? address, PasswordTry taken)
    {
        _wrong.Give((login, Origin.Of(address)));
        WrongOf(login, taken.AtHome).Give((login, Origin.Of(address)));
        GiveToAll(login, taken);
    }

    /// <param name="taken">As <see cref="TakePassword"/> said.</param>
    public void WasRight(string login, IPAddress? address, PasswordTry taken)
    {
        var origin = Origin.Of(address);
        _wrong.Reset((login, origin));
        _wrongAtHome.Reset((login, origin));
        GiveToAll(login, taken);
        _right.Add((login, origin));
    }

    // An owner who is let in at home while strangers have used up the guesses took none of them:
    // what he gave back would be one more for them.
    private void GiveToAll(string login, PasswordTry taken)
    {
        if (/* guard: guessing: the owner gives strangers no guess */ taken.OfAll)
        {
            _wrongFromAnywhere.Give(login);
        }
    }

    // Who is signed in shares his tries with no neighbour.
    private Buckets<(string Login, Origin Origin)> WrongOf(string login, bool atHome) => (/* guard: guessing by a neighbour keeps no owner out */ atHome && !login.StartsWith(OwnPrefix)) ? _wrongAtHome : _wrong;

    private bool IsAtHome(string login, Origin origin, Func<bool> isAtHome) => /* guard: guessing keeps no owner out */ _right.Contains((login, origin)) || isAtHome();
}

/// <summary>From where a login was right in the last 30 days. In memory: a restart forgets it, and empties no bucket either.</summary>
internal sealed class RememberedLogins(TimeProvider time)
{
    private static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    // More than this are no household's or office's: then the half that was right longest ago is forgotten.
    private const int MaxEntries = 50_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<(string Login, Origin Origin), long> _at = [];

    public void Add((string Login, Origin Origin) login)
    {
        lock (_gate)
        {
            if (_at.Count >= MaxEntries && !_at.ContainsKey(login))
            {
                foreach (var key in _at.OrderBy(entry => entry.Value).Take(MaxEntries / 2).Select(entry => entry.Key).ToList())
                {
                    _at.Remove(key);
                }
            }

            _at[login] = time.GetTimestamp();
        }
    }

    public bool Contains((string Login, Origin Origin) login)
    {
        lock (_gate)
        {
            return _at.TryGetValue(login, out var at) && time.GetElapsedTime(at) < Lifetime;
        }
    }
}

/// <summary>Token buckets by address, and beside each IPv6 /64 one ten times as large for its /48, which holds 65,536 of them.</summary>
internal sealed class AddressBuckets(int capacity, TimeSpan period, TimeProvider time)
{
    private const int HouseholdsPerSite = 10;

    private readonly Buckets<Origin> _households = new(capacity, period, time);
    private readonly Buckets<Origin> _sites = new(/* guard: guessing by all networks of an IPv6 site */ (int)Math.Min(int.MaxValue, (long)capacity * HouseholdsPerSite), period, time);

    /// <summary>Null: allowed, and counted.</summary>
    public TimeSpan? Take(IPAddress? address)
    {
        var household = Origin.Of(address);
        return _households.Wait(household)
            ?? (Origin.TrySite(address, out var site) ? _sites.Take(site) : null)
            ?? _households.Take(household);
    }

    /// <summary>Null: it would be allowed now.</summary>
    public TimeSpan? Wait(IPAddress? address) =>
        _households.Wait(Origin.Of(address)) ?? (Origin.TrySite(address, out var site) ? _sites.Wait(site) : null);
}

/// <summary>Token buckets by key: `capacity` at once, refilled over `period`. A capacity of 0 limits nothing.</summary>
internal sealed class Buckets<TKey>(int capacity, TimeSpan period, TimeProvider time)
    where TKey : notnull
{
    // Full buckets are forgotten when there are this many; an attacker with as many addresses has other means.
    private const int TidyAt = 20_000;

    private readonly Lock _gate = new();
    private readonly BucketSize _size = new(capacity, capacity, period);
    private readonly Dictionary<TKey, TokenBucket> _buckets = [];

    public TimeSpan? Take(TKey key)
    {
        if (capacity == 0)
        {
            return null;
        }

        lock (_gate)
        {
            var (bucket, now) = Find(key);
            if (!bucket.TryTake(_size, 1, now))
            {
                return bucket.WaitFor(_size, 1, now);
            }

            if (_buckets.Count >= TidyAt)
            {
                Tidy();
            }

            _buckets[key] = bucket;
            return null;
        }
    }

    /// <summary>Takes so many, be it more than are left: then as many as a full one has are owed at most.</summary>
    public void TakeAnyway(TKey key, long count)
    {
        if (capacity == 0)
        {
            return;
        }

        lock (_gate)
        {
            var (bucket, now) = Find(key);
            bucket.Take(_size, count, -capacity, now);
            if (_buckets.Count >= TidyAt)
            {
                Tidy();
            }

            _buckets[key] = bucket;
        }
    }

    public TimeSpan? Wait(TKey key)
    {
        if (capacity == 0)
        {
            return null;
        }

        lock (_gate)
        {
            var (bucket, now) = Find(key);
            return bucket.Left(_size, now) < 1 ? bucket.WaitFor(_size, 1, now) : null;
        }
    }

    public void Give(TKey key)
    {
        lock (_gate)
        {
            if (_buckets.TryGetValue(key, out var bucket))
            {
                bucket.Give(_size, 1);
                _buckets[key] = bucket;
            }
        }
    }

    public void Reset(TKey key)
    {
        lock (_gate)
        {
            _buckets.Remove(key);
        }
    }

    private (TokenBucket Bucket, TimeSpan Now) Find(TKey key)
    {
        var now = TokenBucket.Now(time);
        return (_buckets.TryGetValue(key, out var bucket) ? bucket : TokenBucket.Full(_size, now), now);
    }

    private void Tidy()
    {
        foreach (var key in _buckets.Keys.ToList())
        {
            if (_buckets[key].IsFull(_size, TokenBucket.Now(time)))
            {
                _buckets.Remove(key);
            }
        }

        if (_buckets.Count >= TidyAt)
        {
            // Nothing but busy buckets: forget the half that has waited longest, so that memory stays bounded.
            foreach (var key in _buckets.OrderBy(bucket => bucket.Value.At).Take(TidyAt / 2).Select(bucket => bucket.Key).ToList())
            {
                _buckets.Remove(key);
            }
        }
    }
}

/// <summary>What a try of a password has used up.</summary>
/// <param name="OfAll">One of the guesses that all have in common.</param>
/// <param name="AtHome">One of those that the owner has where he is known; else one of the address's.</param>
internal readonly record struct PasswordTry(bool OfAll, bool AtHome);
