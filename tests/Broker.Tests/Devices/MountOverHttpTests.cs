using System.Net;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>What a device's token opens over HTTP: the data of its room, by the topics that it may read and write.</summary>
public sealed class MountOverHttpTests
{
    [Fact]
    public async Task Attack_80_A_mounted_token_opens_the_data_of_its_room_and_no_other_call()
    {
        await using var house = await Greenhouse.OpenAsync();
        var token = await house.MountAsync(house.Ana);
        using DataCalls calls = new(house.Broker, token, "greenhouse"), elsewhere = new(house.Broker, token, "lobby");

        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("tele/s/temp", "21"));
        Assert.Equal("21", await calls.FindAsync("tele/s/temp"));
        Assert.Equal("404 no_such_room", await elsewhere.AnswerAsync(HttpMethod.Get, "?topic=tele/s/temp"));
        using HttpClient http = new() { BaseAddress = house.Broker.Http };
        http.DefaultRequestHeaders.Authorization = new("Bearer", token);
        using var events = await http.GetAsync(new Uri("/api/rooms/greenhouse/events", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Unauthorized, events.StatusCode);
    }

    [Fact]
    public async Task Attack_80_A_token_with_topics_reads_writes_and_lists_those_alone()
    {
        await using var house = await Greenhouse.OpenAsync();
        using DataCalls anas = new(house.Broker, house.Ana.Token, "greenhouse");
        foreach (var topic in new[] { "secret/x", "cmnd/s/power", "tele/s/temp" })
        {
            Assert.Equal(HttpStatusCode.NoContent, await anas.PutAsync(topic, "of ana"));
        }

        using DataCalls sensor = new(
            house.Broker, await house.MountAsync(house.Ana, topics: new TopicScope(["cmnd/s/#"], ["tele/s/#"])), "greenhouse");

        Assert.Equal("of ana", await sensor.FindAsync("cmnd/s/power"));
        Assert.Equal(HttpStatusCode.NoContent, await sensor.PutAsync("tele/s/temp", "21"));
        Assert.Equal("403 not_allowed", await sensor.AnswerAsync(HttpMethod.Get, "?topic=secret/x"));
        Assert.Equal("403 not_allowed", await sensor.AnswerAsync(HttpMethod.Get, "?topic=tele/s/temp"));
        Assert.Equal("403 not_allowed", await sensor.AnswerAsync(HttpMethod.Put, "?topic=cmnd/s/power", "off"));
        Assert.Equal("403 not_allowed", await sensor.AnswerAsync(HttpMethod.Delete, "?topic=secret/x"));
        var listed = (await sensor.ListAsync()).GetProperty("values").EnumerateArray().Select(value => value.GetProperty("topic").GetString());
        Assert.Equal(["cmnd/s/power"], listed);
        Assert.Equal("of ana", await anas.FindAsync("secret/x"));
    }

    [Fact]
    public async Task Attack_35_What_the_server_says_of_itself_nobody_says_over_HTTP()
    {
        await using var house = await Greenhouse.OpenAsync();
        using DataCalls calls = new(house.Broker, house.Ana.Token, "greenhouse");

        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("$SYS/broker/connection/attic/state", "1"));
        Assert.Equal("403 not_allowed", await calls.AnswerAsync(HttpMethod.Put, "?topic=$SYS/broker/version", "mine"));
    }
}
