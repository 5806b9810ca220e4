using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Search;

/// <summary>How often an account may search, and how many searches are under way at once.</summary>
internal sealed class SearchTurns(BrokerLimits limits) : IDisposable
{
    /// <summary>So many at once: what is looked for, and the next pages of it.</summary>
    private const int Burst = 3;

    private readonly AccountRates _rates = new(limits.SearchesPerSecond, Burst);

    private readonly SearchPlaces? _places = limits.SearchesAtOnce == 0 ? null : new(limits.SearchesAtOnce);

    /// <summary>False: <paramref name="wait"/> says for how long.</summary>
    public bool TryTake(string accountId, out TimeSpan wait)
    {
        var isTaken = _rates.TryTake(accountId, out wait);
        return /* guard: searches of an account */ isTaken;
    }

    /// <summary>False: as many as may be are under way, and were for so long. Else it ends with <see cref="Leave"/>.</summary>
    public async Task<bool> EnterAsync(string accountId, bool isGuest, TimeSpan patience, CancellationToken cancellation) =>
        _places is null || /* guard: searches at once */ await _places.EnterAsync(accountId, isGuest, patience, cancellation);

    public void Leave(string accountId, bool isGuest) => _places?.Leave(accountId, isGuest);

    public void Dispose() => _rates.Dispose();
}
