using System.Diagnostics;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Cluster;

/// <summary>Somebody with a page at one node and nowhere else, and somebody at another node who hears of it.</summary>
internal sealed class LonePerson : IAsyncDisposable
{
    /// <summary>For which others still take somebody for present who has gone, plus what a node's death may take: as promised.</summary>
    public const double LeaveMilliseconds = 15_000 + 6_000;

    private readonly RawMqttClient _page;
    private readonly RawMqttClient _listener;
    private readonly string _user;

    private LonePerson(RawMqttClient page, RawMqttClient listener, string user) => (_page, _listener, _user) = (page, listener, user);

    /// <summary>Completes when it is said that he has joined.</summary>
    /// <param name="room">One that nobody else is in.</param>
    public static async Task<LonePerson> EnterAsync(LoadHouse house, int node, int room, CancellationToken cancellation)
    {
        var elsewhere = (node + 1) % house.Nodes.Count;
        var (user, other) = (house.Logins[^1].UserName, house.Logins[^2].UserName);
        var listener = await house.TabAsync(elsewhere, await house.Browsers[elsewhere].SignInAsync(other, cancellation), room);
        LonePerson lone = new(await house.TabAsync(node, await house.Browsers[node].SignInAsync(user, cancellation), room), listener, user);
        await lone.HearAsync("join");
        return lone;
    }

    /// <summary>Completes when it is said that he has left, with how long that took.</summary>
    /// <exception cref="WireException">It is not said.</exception>
    public async Task<long> LeftAsync(long since)
    {
        await HearAsync("leave");
        return Stopwatch.GetTimestamp() - since;
    }

    public async ValueTask DisposeAsync()
    {
        await _page.DisposeAsync();
        await _listener.DisposeAsync();
    }

    private Task<IReadOnlyList<ReceivedPublish>> HearAsync(string type) => _listener.PublishesUntilAsync(publish =>
        publish.Json.GetProperty("type").GetString() == type && publish.Json.GetProperty("from").GetProperty("user").GetString() == _user);
}
