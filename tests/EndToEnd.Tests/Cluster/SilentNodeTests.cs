using System.Net;
using WebMessenger.EndToEnd.Tests.Durability;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>A node that may be taken for dead says nothing, and one that dies or stops takes nobody along.</summary>
public sealed class SilentNodeTests : IAsyncLifetime
{
    private ServerHouse _house = null!;

    public async ValueTask InitializeAsync() => _house = await ServerHouse.StartAsync();

    public ValueTask DisposeAsync() => _house?.DisposeAsync() ?? ValueTask.CompletedTask;

    [Fact]
    public async Task A_node_that_is_cut_from_the_database_writes_nothing_and_ends_when_it_finds_that_others_went_on()
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        using var bea = await Person.RegisterAsync(_house[1], "bea");
        var token = await ana.NewTokenAsync();
        await using var tab = await _house[0].PageAsync(ana.Cookie).InLobbyAsync();
        await using var speaker = await _house[1].PageAsync(bea.Cookie).InLobbyAsync();
        var before = Lobby.Unique("before");
        Assert.True((await speaker.PublishAsync(Lobby.Topic, before)).Accepted);
        await tab.PublishesUntilAsync(publish => publish.Says(before));

        await _house.CutAsync(0);
        var read = tab.BytesRead;
        var meanwhile = Lobby.Unique("meanwhile");
        Assert.True((await speaker.PublishAsync(Lobby.Topic, meanwhile)).Accepted);
        var ping = tab.PingAsync();
        await using (var late = await _house[0].TcpAsync())
        {
            Assert.Equal(0x88, (await late.ConnectAsync(ana.UserName, token)).ReasonCode);
        }

        using HttpClient http = new() { BaseAddress = _house[0].Address };
        http.DefaultRequestHeaders.Add("Cookie", ana.Cookie);
        var asked = await http.GetAsync(new Uri("/api/session", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, asked.StatusCode);
        Assert.Equal(read, tab.BytesRead);

        // The others have gone on without it, which it finds out, and ends itself.
        _house.Mend(0);
        Assert.Equal(3, (await _house[0].EndedAsync()).ExitCode);
        Assert.Single(_house[0].Log.Split('\n'), line => line.Contains(" FTL ", StringComparison.Ordinal));
        Assert.DoesNotContain(await tab.PublishesUntilClosedAsync(), publish => publish.Says(meanwhile));
        Assert.False(ping.IsCompletedSuccessfully);
        await _house[0].StartAgainAsync();
        await using var again = await _house[0].PageAsync(ana.Cookie).InLobbyAsync();
        var after = Lobby.Unique("after");
        Assert.True((await again.PublishAsync(Lobby.Topic, after)).Accepted);
        await speaker.PublishesUntilAsync(publish => publish.Says(after));
    }

    [Fact(Explicit = true)]
    public async Task When_nobody_reaches_the_database_all_are_silent_and_go_on_when_it_is_back()
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        await using var tab = await _house[0].PageAsync(ana.Cookie).InLobbyAsync();
        await using var other = await _house[1].PageAsync(ana.Cookie).InLobbyAsync();
        var before = Lobby.Unique("before");
        Assert.True((await other.PublishAsync(Lobby.Topic, before)).Accepted);
        await tab.PublishesUntilAsync(publish => publish.Says(before));

        await Task.WhenAll(_house.CutAsync(0), _house.CutAsync(1));
        var read = tab.BytesRead;
        var ping = tab.PingAsync();
        await ServerHouse.BecomesAsync(_house[0], HttpStatusCode.ServiceUnavailable);
        Assert.Equal(read, tab.BytesRead);

        await Task.WhenAll(_house.MendAsync(0), _house.MendAsync(1));
        await ping;
        var after = Lobby.Unique("after");
        Assert.True((await other.PublishAsync(Lobby.Topic, after)).Accepted);
        await tab.PublishesUntilAsync(publish => publish.Says(after));
    }

    [Fact]
    public async Task Who_was_put_out_while_the_node_was_frozen_hears_nothing_of_what_was_said_after()
    {
        using var owner = await Person.RegisterAsync(_house[1], "owner");
        using var ana = await Person.RegisterAsync(_house[0]);
        await using var tab = await _house[0].PageAsync(ana.Cookie).InLobbyAsync();
        await using var speaker = await _house[1].PageAsync(owner.Cookie).InLobbyAsync();
        var before = Lobby.Unique("before");
        Assert.True((await speaker.PublishAsync(Lobby.Topic, before)).Accepted);
        await tab.PublishesUntilAsync(publish => publish.Says(before));

        await _house[0].SignalAsync("STOP");
        using var elsewhere = await ana.SignInAtAsync(_house[1]);
        await owner.BanAsync(ana);
        var secret = Lobby.Unique("a secret");
        Assert.True((await speaker.PublishAsync(Lobby.Topic, secret)).Accepted);
        await _house[0].SignalAsync("CONT");

        Assert.DoesNotContain(await tab.PublishesUntilClosedAsync(), publish => publish.Says(secret));
    }

    [Fact]
    public async Task A_node_that_is_killed_takes_nobody_along_and_its_clients_find_everything_elsewhere()
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        using var bea = await Person.RegisterAsync(_house[1], "bea");
        await using var lost = await _house[0].PageAsync(ana.Cookie).InLobbyAsync();
        await using var speaker = await _house[1].PageAsync(bea.Cookie).InLobbyAsync();
        var first = Lobby.Unique("first");
        Assert.True((await lost.PublishAsync(Lobby.Topic, first)).Accepted);

        await _house[0].KillAsync();

        var second = Lobby.Unique("second");
        Assert.True((await speaker.PublishAsync(Lobby.Topic, second)).Accepted);
        Assert.Contains(await speaker.PublishesUntilAsync(publish => publish.Says(second)), publish => publish.Says(first));
        await lost.WaitForCloseAsync();
        await using var again = await _house[1].PageAsync(ana.Cookie).InLobbyAsync();
        using var there = ana.At(_house[1]);
        Assert.Contains(await there.EventsAsync(), @event => @event.GetProperty("type").GetString() == "message" && @event.IsMessage(first));

        await _house[0].StartAgainAsync();
        await using var back = await _house[0].PageAsync(ana.Cookie).InLobbyAsync();
        var third = Lobby.Unique("third");
        Assert.True((await speaker.PublishAsync(Lobby.Topic, third)).Accepted);
        await back.PublishesUntilAsync(publish => publish.Says(third));
    }

    [Fact]
    public async Task A_node_that_stops_sends_its_clients_to_the_others_and_ends_in_order()
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        await using var tab = await _house[0].PageAsync(ana.Cookie).InLobbyAsync();
        await using var old = await _house[0].TcpAsync(MqttVersion.V311);
        Assert.True((await old.ConnectAsync(ana.UserName, await ana.NewTokenAsync())).Accepted);

        var ending = _house[0].TerminateAsync();

        Assert.Equal((byte?)0x9D, (await tab.WaitForCloseAsync()).Disconnect);
        await old.WaitForCloseAsync();
        var ended = await ending;
        Assert.Equal((0, ""), (ended.ExitCode, ended.Error));
        await using var next = await _house[1].PageAsync(ana.Cookie).InLobbyAsync();
    }

    [Fact(Explicit = true)]
    public async Task Commands_that_are_about_files_name_the_database_and_others_need_a_node_that_runs()
    {
        using var ana = await Person.RegisterAsync(_house[0]);
        using var bea = await Person.RegisterAsync(_house[0], "bea");
        var folder = $"--WebMessenger:DataFolder={_house[1].DataFolder}";
        Assert.Contains("bea", (await ProgramRun.ToEndAsync("ban", bea.UserName, folder)).Output, StringComparison.Ordinal);
        foreach (var command in new[] { new[] { "backup", Path.Combine(Path.GetTempPath(), Lobby.Unique("backup").Replace(' ', '-')) }, ["purge"] })
        {
            var refused = await ProgramRun.ToEndAsync([.. command, folder]);
            Assert.Equal(1, refused.ExitCode);
            Assert.Contains("docs/cluster.md", refused.Error, StringComparison.Ordinal);
        }

        await _house[1].KillAsync();

        var ended = await ProgramRun.ToEndAsync("unban", bea.UserName, folder);
        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("No node runs", ended.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_nodes_folder_is_not_started_on_alone()
    {
        await _house[1].KillAsync();

        var ended = await ServerProcess.RunToEndAsync("Urls=http://127.0.0.1:0", "WebMessenger:Mqtt:Port=0", $"WebMessenger:DataFolder={_house[1].DataFolder}");

        Assert.Equal(1, ended.ExitCode);
        Assert.Contains("WebMessenger:Cluster:Postgres", ended.Error, StringComparison.Ordinal);
        Assert.Single(ended.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
    }
}
