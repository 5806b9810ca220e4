using WebMessenger.Broker.Search;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Tests.Search;

/// <summary>How many searches are under way at once, and whose.</summary>
public sealed class SearchTurnsTests
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_search_has_its_turn_when_another_has_ended()
    {
        using SearchTurns turns = new(new BrokerLimits { SearchesAtOnce = 2 });
        Assert.True(await EnterAsync(turns, "ana"));
        Assert.True(await EnterAsync(turns, "bea"));

        Assert.False(await EnterAsync(turns, "caio"));

        var waits = turns.EnterAsync("caio", isGuest: false, TimeSpan.FromSeconds(30), Cancellation);
        turns.Leave("ana", isGuest: false);
        Assert.True(await waits);
    }

    [Fact]
    public async Task Attack_search_guests_take_half_of_the_places_and_searching_from_nobody()
    {
        using SearchTurns turns = new(new BrokerLimits { SearchesAtOnce = 4 });
        Assert.True(await EnterAsync(turns, "guest1", isGuest: true));
        Assert.True(await EnterAsync(turns, "guest2", isGuest: true));

        Assert.False(await EnterAsync(turns, "guest3", isGuest: true));

        Assert.True(await EnterAsync(turns, "ana"));
        Assert.True(await EnterAsync(turns, "bea"));
        var guest = turns.EnterAsync("guest3", isGuest: true, TimeSpan.FromSeconds(30), Cancellation);
        var caio = turns.EnterAsync("caio", isGuest: false, TimeSpan.FromSeconds(30), Cancellation);
        turns.Leave("guest1", isGuest: true);
        Assert.True(await caio);
        Assert.False(guest.IsCompleted);
        turns.Leave("ana", isGuest: false);
        Assert.True(await guest);
    }

    [Fact]
    public async Task An_account_searches_once_at_a_time()
    {
        using SearchTurns turns = new(new BrokerLimits { SearchesAtOnce = 4 });
        Assert.True(await EnterAsync(turns, "ana"));

        Assert.False(await EnterAsync(turns, "ana"));

        Assert.True(await EnterAsync(turns, "bea"));
        var waits = turns.EnterAsync("ana", isGuest: false, TimeSpan.FromSeconds(30), Cancellation);
        turns.Leave("ana", isGuest: false);
        Assert.True(await waits);
    }

    [Fact]
    public async Task Whoever_goes_while_waiting_leaves_the_place_to_others()
    {
        using SearchTurns turns = new(new BrokerLimits { SearchesAtOnce = 1 });
        Assert.True(await EnterAsync(turns, "ana"));
        using CancellationTokenSource gone = new();
        var waits = turns.EnterAsync("bea", isGuest: false, TimeSpan.FromSeconds(30), gone.Token);
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waits);

        turns.Leave("ana", isGuest: false);

        Assert.True(await EnterAsync(turns, "caio"));
    }

    private static Task<bool> EnterAsync(SearchTurns turns, string accountId, bool isGuest = false) =>
        turns.EnterAsync(accountId, isGuest, TimeSpan.Zero, Cancellation);
}
