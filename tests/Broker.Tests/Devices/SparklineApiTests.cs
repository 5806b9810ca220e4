using System.Text.Json;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>The numbers of the last day over HTTP: what is answered, to whom, and until when.</summary>
public sealed class SparklineApiTests
{
    [Fact]
    public async Task What_a_value_was_is_answered_for_itself_and_for_its_members_one_by_one_and_with_the_list()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Mod.Token);
        await calls.PutAsync("air", """{"temperature":21.5,"humidity":40}""");
        await calls.PutAsync("plain", "-3");
        await calls.PutAsync("text", "ON");
        await calls.PutAsync("passing", "1", more: "&retain=false");

        var one = await calls.ListAsync("/history?topic=air&field=temperature");
        Assert.Equal(["topic", "field", "every", "until", "points"], one.EnumerateObject().Select(member => member.Name));
        Assert.Equal(Sparkline.Seconds, one.GetProperty("every").GetInt32());
        Assert.InRange(one.GetProperty("until").GetDateTimeOffset(), DateTimeOffset.UtcNow, DateTimeOffset.UtcNow.AddSeconds(Sparkline.Seconds));
        Assert.Equal((Sparkline.Points, 21.5), (one.GetProperty("points").GetArrayLength(), Assert.Single(NumbersOf(one))));
        Assert.Equal(-3, Assert.Single(NumbersOf(await calls.ListAsync("/history?topic=plain"))));
        Assert.Empty(NumbersOf(await calls.ListAsync("/history?topic=air")));
        Assert.Empty(NumbersOf(await calls.ListAsync("/history?topic=air&field=none")));
        Assert.Empty(NumbersOf(await calls.ListAsync("/history?topic=text")));
        Assert.Equal("404 no_such_value", await calls.AnswerAsync(HttpMethod.Get, "/history?topic=passing"));

        var listed = await calls.ListAsync("?history=true");
        Assert.Equal(Sparkline.Seconds, listed.GetProperty("every").GetInt32());
        Assert.Equal(
            ["air temperature=21.5 humidity=40", "plain =-3", "text"], listed.GetProperty("values").EnumerateArray().Select(Shown));
        Assert.DoesNotContain("history", (await calls.ListAsync()).ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Attack_80_The_history_is_read_by_who_may_read_the_value()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls mods = new(broker, talk.Mod.Token), beas = new(broker, talk.Bea.Token), nobodys = new(broker, null);
        await mods.PutAsync("t", "1");
        Assert.Single(NumbersOf(await beas.ListAsync("/history?topic=t")));

        Assert.Equal("401 not_signed_in", await nobodys.AnswerAsync(HttpMethod.Get, "/history?topic=t"));
        foreach (var (verbs, rooms, expected) in new (Verbs, string[]?, string)[]
        {
            (Verbs.Data, ["yard"], "200"),
            (Verbs.Read | Verbs.Post | Verbs.Moderate, null, "403 not_allowed"),
            (Verbs.Everything, ["lobby"], "404 no_such_room"),
        })
        {
            using DataCalls limited = new(broker, await broker.TokenAsync(talk.Mod.Account, rooms, verbs));
            Assert.Equal(expected, await limited.AnswerAsync(HttpMethod.Get, "/history?topic=t"));
        }

        var stranger = await MessageTalk.MayAllAsync(broker, "stranger");
        using DataCalls strangers = new(broker, stranger.Token);
        Assert.Equal("403 not_allowed", await strangers.AnswerAsync(HttpMethod.Get, "/history?topic=t"));
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Data = new("moderators", "members") })).Refusal);
        Assert.Equal("403 not_allowed", await beas.AnswerAsync(HttpMethod.Get, "/history?topic=t"));
    }

    [Fact]
    public async Task Attack_80_A_token_with_topics_reads_the_history_of_those_alone()
    {
        await using var house = await Greenhouse.OpenAsync();
        using DataCalls anas = new(house.Broker, house.Ana.Token, "greenhouse");
        await anas.PutAsync("secret/x", "1");
        await anas.PutAsync("cmnd/s/level", "2");
        using DataCalls sensor = new(
            house.Broker, await house.MountAsync(house.Ana, topics: new TopicScope(["cmnd/s/#"], ["tele/s/#"])), "greenhouse");

        Assert.Equal(2, Assert.Single(NumbersOf(await sensor.ListAsync("/history?topic=cmnd/s/level"))));
        Assert.Equal("403 not_allowed", await sensor.AnswerAsync(HttpMethod.Get, "/history?topic=secret/x"));
        Assert.Equal(["cmnd/s/level =2"], (await sensor.ListAsync("?history=true")).GetProperty("values").EnumerateArray().Select(Shown));
    }

    [Fact]
    public async Task What_is_asked_wrongly_is_refused_with_its_field()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Mod.Token);
        await calls.PutAsync("t", "1");

        Assert.Equal("200", await calls.AnswerAsync(HttpMethod.Get, "/history?topic=t&field=" + new string('f', 64)));
        foreach (var wrong in new[] { "/history", "/history?topic=a/%23", "/history?topic=t&field=", "/history?topic=t&field=" + new string('f', 65), "?history=1" })
        {
            Assert.StartsWith("400", await calls.AnswerAsync(HttpMethod.Get, wrong), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_line_is_there_after_a_restart_and_goes_with_its_room()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using (DataCalls calls = new(broker, talk.Maker.Token))
        {
            await calls.PutAsync("t", "21.5");
        }

        await broker.RestartAsync();
        using DataCalls makers = new(broker, talk.Maker.Token);
        Assert.Equal(21.5, Assert.Single(NumbersOf(await makers.ListAsync("/history?topic=t"))));
        var prefix = SparklineRecord.PrefixOf(broker.Room("yard").Key);
        Assert.Single(broker.Get<IRecords>().ReadAll(prefix));

        Assert.Equal(RoomChange.Done, await broker.Get<RoomEndings>().DeleteAsync(broker.Room("yard"), talk.Maker.Account));
        Assert.Empty(broker.Get<IRecords>().ReadAll(prefix));
        Assert.Equal("404 no_such_room", await makers.AnswerAsync(HttpMethod.Get, "/history?topic=t"));
    }

    private static IEnumerable<double> NumbersOf(JsonElement line) =>
        line.GetProperty("points").EnumerateArray().Where(point => point.ValueKind == JsonValueKind.Number).Select(point => point.GetDouble());

    // `topic field=number field=number`
    private static string Shown(JsonElement value)
    {
        var lines = value.TryGetProperty("history", out var history) ? history.EnumerateArray().ToArray() : [];
        return string.Join(' ', [value.GetProperty("topic").GetString(), .. lines.Select(line =>
            FormattableString.Invariant($"{(line.TryGetProperty("field", out var field) ? field : "")}={Assert.Single(NumbersOf(line))}"))]);
    }
}
