using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>The counting alone, with a clock of its own.</summary>
public sealed class RoomPresenceTests
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 11, 22, 0, 0, 0, TimeSpan.Zero));

    [Fact]
    public async Task An_account_is_here_from_its_first_client_to_its_last()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = (await broker.RegisterAsync("ana")).Account;
        RoomPresence presence = new();

        Assert.Equal("ana", presence.Arrived(ana, "person", _time.GetUtcNow())!.ShownAs.User);
        Assert.Null(presence.Arrived(ana, "person", _time.GetUtcNow()));
        Assert.Equal(1, presence.Count);
        Assert.Null(presence.Left(ana.Id, atOnce: true, _time.GetUtcNow()));
        Assert.Same(ana, presence.Left(ana.Id, atOnce: true, _time.GetUtcNow())!.Account);
        Assert.Equal(0, presence.Count);
        Assert.Null(presence.Left(ana.Id, atOnce: true, _time.GetUtcNow()));
    }

    [Fact]
    public async Task A_lost_account_has_its_grace_time()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = (await broker.RegisterAsync("ana")).Account;
        RoomPresence presence = new();
        presence.Arrived(ana, "person", _time.GetUtcNow());

        Assert.Null(presence.Left(ana.Id, atOnce: false, _time.GetUtcNow()));
        Assert.Equal("ana", Assert.Single(presence.Everybody).ShownAs.User);
        _time.Advance(RoomPresence.Grace - TimeSpan.FromMilliseconds(1));
        Assert.Empty(presence.RemoveGone(_time.GetUtcNow()));
        Assert.Null(presence.Arrived(ana, "person", _time.GetUtcNow()));
        _time.Advance(RoomPresence.Grace);
        Assert.Empty(presence.RemoveGone(_time.GetUtcNow()));

        presence.Left(ana.Id, atOnce: false, _time.GetUtcNow());
        _time.Advance(RoomPresence.Grace);
        Assert.Same(ana, Assert.Single(presence.RemoveGone(_time.GetUtcNow())).Account);
        Assert.NotNull(presence.Arrived(ana, "person", _time.GetUtcNow()));
    }

    [Fact]
    public async Task After_a_restart_an_account_is_expected_back_for_a_minute()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = (await broker.RegisterAsync("ana")).Account;
        var bob = (await broker.RegisterAsync("bob")).Account;
        RoomPresence presence = new();
        presence.ExpectBack(ana, "person", _time.GetUtcNow(), _time.GetUtcNow());
        presence.ExpectBack(bob, "bot", _time.GetUtcNow(), _time.GetUtcNow());

        Assert.Equal(2, presence.Count);
        Assert.Null(presence.Arrived(ana, "person", _time.GetUtcNow()));
        _time.Advance(RoomPresence.GraceAfterRestart);
        Assert.Same(bob, Assert.Single(presence.RemoveGone(_time.GetUtcNow())).Account);
    }
}
