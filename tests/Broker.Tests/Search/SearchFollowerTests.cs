using System.Net;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Search;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Operator;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Search.SearchTalk;

namespace WebMessenger.Broker.Tests.Search;

/// <summary>How the index follows the logs, whatever becomes of it.</summary>
public sealed class SearchFollowerTests
{
    [Fact]
    public async Task An_index_that_is_gone_or_damaged_is_made_anew_at_the_start()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var seq = await talk.SayAsync(talk.Bea, "canarybird");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);
        var folder = Path.Combine(broker.Program.DataFolder, "search");

        foreach (var harm in (Action[])[
            () => Directory.Delete(folder, recursive: true),
            () => File.WriteAllText(Path.Combine(folder, "index.db"), "no database"),
            () => { }])
        {
            await broker.Program.DisposeAsync();
            harm();
            await broker.RestartAsync();
            await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);
        }
    }

    [Fact]
    public async Task The_operator_has_it_made_anew_while_the_server_runs_and_while_it_does_not()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var seq = await talk.SayAsync(talk.Bea, "canarybird");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);

        var said = await TypedCommand.DoneAsync(broker, "search", "rebuild");

        Assert.Contains("was made anew", said, StringComparison.Ordinal);
        Assert.Equal([seq], await FoundAsync(broker, talk.Bea, "canarybird"));
        Assert.False(broker.Get<SearchFollower>().Progress.IsBuilding);
        var data = broker.Program.DataFolder;
        Assert.Contains("search rebuild", await TypedCommand.RefusedAsync(data, "search", "all"), StringComparison.Ordinal);
        await broker.Program.DisposeAsync();
        Assert.Contains("No server is running", await TypedCommand.DoneAsync(data, "search", "rebuild"), StringComparison.Ordinal);
        await broker.RestartAsync();
        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);
    }

    [Fact]
    public async Task What_is_forgotten_of_a_room_or_with_it_is_in_the_index_no_more()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var first = await talk.SayAsync(talk.Bea, "canarybird");
        var second = await talk.SayAsync(talk.Bea, "zebrafish");
        await UntilFoundAsync(broker, talk.Bea, "zebrafish", second);

        await broker.Get<IEventLog>().TruncateAsync(talk.Log, second);
        await UntilFollowedAsync(talk);
        Assert.DoesNotContain("canarybird", Files(broker), StringComparison.Ordinal);
        Assert.Contains("zebrafish", Files(broker), StringComparison.Ordinal);

        await broker.Get<RoomEndings>().DeleteAsync(broker.Room("yard"), talk.Maker.Account);
        await UntilFollowedAsync(talk);
        Assert.DoesNotContain("zebrafish", Files(broker), StringComparison.Ordinal);
        Assert.True(first < second);
    }

    [Fact]
    public async Task An_index_that_is_damaged_while_the_server_runs_is_no_fault_of_who_searches_and_is_made_anew()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var seq = await talk.SayAsync(talk.Bea, "canarybird");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);
        using var beas = Calls.As(broker, talk.Bea);
        foreach (var path in Directory.EnumerateFiles(Path.Combine(broker.Program.DataFolder, "search"), "index.db*").Where(path => !path.EndsWith("-shm", StringComparison.Ordinal)))
        {
            using FileStream file = new(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            file.Write(new byte[file.Length]);
        }

        // What is said next is written into it, and finds the damage if no search has.
        var next = await talk.SayAsync(talk.Bea, "zebrafish");
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        for (var text = ""; !text.Contains($"\"seq\":{next},", StringComparison.Ordinal);)
        {
            (var status, text) = await beas.SendAsync(HttpMethod.Get, "/api/search?q=zebrafish");
            Assert.True(status is HttpStatusCode.OK or HttpStatusCode.ServiceUnavailable, $"{status} {text}");
            await Task.Delay(25, patience.Token);
        }

        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);
    }

    [Fact]
    public async Task A_page_around_a_place_or_a_time_has_what_stands_before_and_behind()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        List<long> said = [];
        for (var i = 0; i < 30; i++)
        {
            said.Add(await talk.SayAsync(talk.Bea, $"line {i}"));
        }

        using var calls = Calls.As(broker, talk.Bea);
        async Task<long[]> Around(string query) =>
            [.. (await calls.Get($"/api/rooms/yard/events?{query}")).GetProperty("events").EnumerateArray().Select(one => one.GetProperty("seq").GetInt64())];

        foreach (var view in (string[])["", "&view=lines"])
        {
            Assert.Equal(said[6..16], await Around($"around={said[10]}&limit=10{view}"));
            Assert.Equal(said[^5..], await Around($"around={said[^1]}&limit=10{view}"));
            Assert.Equal(10, (await Around($"around=1&limit=10{view}")).Length);
        }

        var at = (await talk.EventAsync(said[10])).GetProperty("at").GetString()!;
        var page = await calls.Get($"/api/rooms/yard/events?at={Uri.EscapeDataString(at)}&limit=10");
        Assert.True(page.GetProperty("at").GetInt64() <= said[10]);
        Assert.Contains(said[10], page.GetProperty("events").EnumerateArray().Select(one => one.GetProperty("seq").GetInt64()));
        Assert.Equal(1, (await calls.Get("/api/rooms/yard/events?at=2020-01-01&limit=10")).GetProperty("at").GetInt64());
        Assert.False((await calls.Get("/api/rooms/yard/events?at=2999-01-01&limit=10")).TryGetProperty("at", out _));
        Assert.Equal(said[^10..], await Around("at=2999-01-01&limit=10"));
        foreach (var wrong in (string[])["around=0", "around=x", "at=soon", "around=1&before=2", "at=2020-01-01&after=1"])
        {
            await calls.Get("/api/rooms/yard/events?" + wrong, System.Net.HttpStatusCode.BadRequest);
        }
    }

    [Fact]
    public async Task Races_of_saying_leaving_and_deleting_show_nobody_what_he_may_not_read()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using var makers = Calls.As(broker, talk.Maker);
        await makers.MakeRoom("attic", "private");
        var attic = broker.Room("attic");
        var members = broker.Get<RoomMembers>();
        await members.JoinAsync(attic, talk.Bea.Account);
        var first = await talk.SayAsync(talk.Maker, "canarybird 0", "attic");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", first);
        using CancellationTokenSource over = new();
        var shown = 0;

        // Who searches all the time while he is put out again and again: after each end nothing more is found.
        var searching = Task.Run(async () =>
        {
            while (!over.IsCancellationRequested)
            {
                shown += (await FoundAsync(broker, talk.Bea, "canarybird")).Length > 0 ? 1 : 0;
            }
        }, TestContext.Current.CancellationToken);
        for (var round = 0; round < 25; round++)
        {
            await members.LeaveAsync(attic, talk.Bea.Account);
            Assert.Empty(await FoundAsync(broker, talk.Bea, "canarybird"));
            await members.JoinAsync(attic, talk.Bea.Account);
            Assert.NotEmpty(await FoundAsync(broker, talk.Bea, "canarybird"));
            var said = await talk.SayAsync(talk.Bea, $"zebrafish {round}");
            Assert.Null((await talk.DeleteAsync(talk.Bea, said)).Refusal);
            Assert.Empty(await FoundAsync(broker, talk.Caio, "zebrafish"));
        }

        await over.CancelAsync();
        await searching;
        Assert.True(shown > 0);
        await UntilFollowedAsync(talk);
        Assert.DoesNotContain("zebrafish", Files(broker), StringComparison.Ordinal);
    }
}
