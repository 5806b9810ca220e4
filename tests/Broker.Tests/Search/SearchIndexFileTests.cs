using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Search.SearchTalk;

namespace WebMessenger.Broker.Tests.Search;

/// <summary>What becomes of the index's files, and what is put in their place: what is found is what the logs have.</summary>
public sealed class SearchIndexFileTests
{
    [Theory]
    [InlineData("older")]
    [InlineData("of another server")]
    public async Task An_older_index_or_another_one_that_is_put_in_its_place_is_found_out(string which)
    {
        LogOfEverything log = new();
        await using var broker = await RunningBroker.StartAsync(log.TakeOver);
        var talk = await MessageTalk.InYardAsync(broker);
        var first = await talk.SayAsync(talk.Bea, "canarybird one");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", first);
        await UntilFollowedAsync(talk);
        var folder = Path.Combine(broker.Program.DataFolder, "search");
        var aside = Path.Combine(broker.DataFolder, "aside");
        await broker.Program.DisposeAsync();
        if (which == "older")
        {
            Copy(folder, aside);
        }
        else
        {
            await using var other = await RunningBroker.StartAsync();
            var its = await MessageTalk.InYardAsync(other);
            for (var i = 0; i < 20; i++)
            {
                await UntilFoundAsync(other, its.Bea, $"parrot{i}", await its.SayAsync(its.Bea, $"parrot{i}"));
            }

            await other.Program.DisposeAsync();
            Copy(Path.Combine(other.Program.DataFolder, "search"), aside);
        }

        // As it was, it is believed: nothing is made anew.
        await broker.RestartAsync();
        Assert.Equal([first], await FoundAsync(broker, talk.Bea, "canarybird"));
        Assert.DoesNotContain(log.Lines, line => line.Contains("is made anew from them", StringComparison.Ordinal));
        var second = await talk.SayAsync(talk.Bea, "canarybird two");
        Assert.Null((await talk.EditAsync(talk.Bea, first, "zebrafish")).Refusal);
        await UntilFoundAsync(broker, talk.Bea, "canarybird", second);
        await UntilFoundAsync(broker, talk.Bea, "zebrafish", first);
        await broker.Program.DisposeAsync();
        Directory.Delete(folder, recursive: true);
        Copy(aside, folder);

        await broker.RestartAsync();

        await UntilFoundAsync(broker, talk.Bea, "canarybird", second);
        await UntilFoundAsync(broker, talk.Bea, "zebrafish", first);
        Assert.Single(log.Lines, line => line.Contains("is made anew from them", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_index_that_is_taken_away_while_the_server_runs_is_made_anew_at_once_also_while_nobody_says_anything()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var seq = await talk.SayAsync(talk.Bea, "canarybird");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);
        var folder = Path.Combine(broker.Program.DataFolder, "search");

        Directory.Delete(folder, recursive: true);

        await UntilAsync(() => File.Exists(Path.Combine(folder, "index.db")));
        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);
        await UntilFoundAsync(broker, talk.Bea, "zebrafish", await talk.SayAsync(talk.Bea, "zebrafish"));
    }

    [Theory]
    [InlineData("garbage")]
    [InlineData("a folder")]
    [InlineData("nothing in it")]
    public async Task An_index_that_cannot_be_opened_never_stops_the_start(string harm)
    {
        LogOfEverything log = new();
        await using var broker = await RunningBroker.StartAsync(log.TakeOver);
        var talk = await MessageTalk.InYardAsync(broker);
        var seq = await talk.SayAsync(talk.Bea, "canarybird");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);
        var path = Path.Combine(broker.Program.DataFolder, "search", "index.db");
        await broker.Program.DisposeAsync();
        foreach (var file in Directory.EnumerateFiles(Path.GetDirectoryName(path)!))
        {
            File.Delete(file);
        }

        switch (harm)
        {
            case "a folder":
                Directory.CreateDirectory(Path.Combine(path, "full"));
                break;
            default:
                await File.WriteAllTextAsync(path, harm == "garbage" ? "no database" : "", TestContext.Current.CancellationToken);
                break;
        }

        await broker.RestartAsync();

        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);
        Assert.Empty(log.Alarms);
    }

    [Fact]
    public async Task Words_that_were_deleted_leave_the_files_by_themselves()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        var seq = await talk.SayAsync(talk.Bea, "canarybird");
        await UntilFoundAsync(broker, talk.Bea, "canarybird", seq);
        Assert.Contains("canarybird", Files(broker), StringComparison.Ordinal);

        Assert.Null((await talk.DeleteAsync(talk.Bea, seq)).Refusal);

        await UntilAsync(() => !Files(broker).Contains("canarybird", StringComparison.Ordinal));
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)), overwrite: true);
        }
    }

    private static async Task UntilAsync(Func<bool> isSo)
    {
        using CancellationTokenSource patience = new(RawMqttClient.Patience);
        while (!isSo())
        {
            await Task.Delay(25, patience.Token);
        }
    }
}
