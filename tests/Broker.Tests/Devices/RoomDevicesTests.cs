using System.Net;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>The list of a room's devices for its moderators, and what they do about one.</summary>
public sealed class RoomDevicesTests
{
    private const string Devices = "/api/rooms/greenhouse/devices";

    [Fact]
    public async Task A_device_is_listed_with_its_connections_and_what_was_refused_to_it()
    {
        await using var house = await Greenhouse.OpenAsync();
        using var page = await PageAsync(house.Broker, house.Ana);
        var token = await house.MountAsync(house.Bob, topics: new TopicScope([], ["bed/#"]));
        var unused = await OnlyAsync(page);
        Assert.Equal(("device", "bob", 0, 0), (Text(unused, "name"), Text(unused, "by"), unused.GetProperty("connected").GetInt32(), unused.GetProperty("refusals").GetInt64()));
        Assert.All(new[] { "lastSeen", "address", "lastRefusal" }, field => Assert.Equal(JsonValueKind.Null, unused.GetProperty(field).ValueKind));
        Assert.Empty(unused.GetProperty("clients").EnumerateArray());

        await using var one = await house.ConnectAsync(house.Bob, MqttVersion.V311, "bed-1", token);
        await using var two = await house.ConnectAsync(house.Bob, clientId: "bed-2", password: token);
        await one.PublishAsync("bed/temp", "21");
        for (var i = 0; i < 3; i++)
        {
            await two.PublishAsync("elsewhere", "refused");
        }

        var device = await OnlyAsync(page);
        Assert.Equal((2, true, false, true), (device.GetProperty("connected").GetInt32(), Is(device, "works"), Is(device, "mine"), Is(device, "below")));
        Assert.Equal(["bed-1", "bed-2"], device.GetProperty("clients").EnumerateArray().Select(client => Text(client, "client")));
        Assert.All(device.GetProperty("clients").EnumerateArray(), client => Assert.Equal(("127.0.0.1", true), (Text(client, "address"), Is(client, "connected"))));
        Assert.True(device.GetProperty("rate").GetDouble() > 0);
        Assert.Equal(3, device.GetProperty("refusals").GetInt64());
        var refusal = device.GetProperty("lastRefusal");
        Assert.Equal(("bed-2", "not_allowed", "elsewhere"), (Text(refusal, "client"), Text(refusal, "code"), Text(refusal, "topic")));

        // Of a kept one that is away there is the name.
        await one.DisconnectAsync();
        await two.DisconnectAsync();
        await using (var kept = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt, MqttVersion.V311))
        {
            await kept.ConnectAsync("bob", token, "bed-3", cleanStart: false);
            await kept.DisconnectAsync();
            await kept.WaitForCloseAsync();
        }

        await Clients.HandshakeTests.UntilAsync(() => house.Broker.Get<Broker.Clients.ConnectionDirectory>().Count == 0);
        var away = Assert.Single((await OnlyAsync(page)).GetProperty("clients").EnumerateArray());
        Assert.Equal(("bed-3", false), (Text(away, "client"), Is(away, "connected")));
    }

    [Fact]
    public async Task Attack_36_80_Only_moderators_see_devices_and_work_those_of_who_ranks_below()
    {
        await using var house = await Greenhouse.OpenAsync();
        var (mo, max) = (await MemberAsync(house, "mo", MemberRole.Moderator), await MemberAsync(house, "max", MemberRole.Moderator));
        await house.MountAsync(house.Bob);
        using var mos = await PageAsync(house.Broker, mo);
        var device = Devices + "/" + Text(await OnlyAsync(mos), "id");
        await mos.Expect(HttpStatusCode.NoContent, HttpMethod.Post, device + "/disconnect");
        await mos.Expect(HttpStatusCode.OK, HttpMethod.Post, device + "/trace");
        await mos.Get(device + "/trace");

        // A member, also of his own; a guest; a moderator of another room; any access token.
        using var bobs = await PageAsync(house.Broker, house.Bob);
        var guest = (await house.Broker.Get<Registration>().EnterAsGuestAsync("Guest", null)).Value!;
        await house.Broker.Get<RoomMembers>().JoinAsync(house.Room, guest);
        using var guests = Calls.OfPage(house.Broker, await house.Broker.SignInAsync(guest));
        var other = await house.Broker.RegisterAsync("other");
        using (var others = Calls.As(house.Broker, other))
        {
            await others.MakeRoom("cellar");
        }

        using var elsewhere = await PageAsync(house.Broker, other);
        using var token = Calls.As(house.Broker, mo with { Token = await house.Broker.TokenAsync(mo.Account, verbs: Verbs.Everything) });
        using var mounted = Calls.As(house.Broker, mo with { Token = await house.MountAsync(mo) });
        foreach (var (method, path) in CallsOn(device))
        {
            await bobs.Expect(HttpStatusCode.Forbidden, method, path);
            await guests.Expect(HttpStatusCode.Forbidden, method, path);
            await elsewhere.Expect(HttpStatusCode.Forbidden, method, path);
            await token.Expect(HttpStatusCode.Unauthorized, method, path);
            await mounted.Expect(HttpStatusCode.Unauthorized, method, path);
        }

        // From a room of one's own no device of another is reached, and a private room is none.
        await elsewhere.Expect(HttpStatusCode.NotFound, HttpMethod.Delete, device.Replace("greenhouse", "cellar", StringComparison.Ordinal));
        using var anas = await PageAsync(house.Broker, house.Ana);
        await anas.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/rooms/greenhouse", new { visibility = "private" });
        await elsewhere.Get(Devices, HttpStatusCode.NotFound);

        // Who ranks as high is seen, without his address, and left alone.
        using var maxs = await PageAsync(house.Broker, max);
        var of = (await maxs.Get(Devices)).GetProperty("devices").EnumerateArray().Single(one => Text(one, "by") == "mo");
        Assert.False(Is(of, "below"));
        foreach (var (method, path) in CallsOn(Devices + "/" + Text(of, "id")).Skip(1))
        {
            await maxs.Expect(HttpStatusCode.Forbidden, method, path);
        }

        await anas.Expect(HttpStatusCode.NoContent, HttpMethod.Delete, Devices + "/" + Text(of, "id"));
    }

    [Fact]
    public async Task Addresses_and_topics_are_for_those_who_may_do_something_about_them()
    {
        await using var house = await Greenhouse.OpenAsync();
        var (mo, max) = (await MemberAsync(house, "mo", MemberRole.Moderator), await MemberAsync(house, "max", MemberRole.Moderator));
        await using var device = await house.ConnectMountedAsync(mo, topics: new TopicScope([], ["bed/#"]));
        await device.PublishAsync("secret", "refused");
        using Calls anas = await PageAsync(house.Broker, house.Ana), maxs = await PageAsync(house.Broker, max);

        var (shown, hidden) = (await OnlyAsync(anas), await OnlyAsync(maxs));
        Assert.Equal(("127.0.0.1", "127.0.0.1"), (Text(shown, "address"), Text(shown.GetProperty("clients")[0], "address")));
        Assert.Equal((null, null), (Text(hidden, "address"), Text(hidden.GetProperty("clients")[0], "address")));
        Assert.Equal("secret", Text(hidden.GetProperty("lastRefusal"), "topic"));

        await house.RuleAsync(read: "tokens");
        Assert.Null(Text((await OnlyAsync(maxs)).GetProperty("lastRefusal"), "topic"));
        var path = Devices + "/" + Text(shown, "id");
        await anas.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, path + "/trace");
        await anas.Expect(HttpStatusCode.NoContent, HttpMethod.Post, path + "/disconnect");
    }

    [Fact]
    public async Task Who_is_thrown_out_is_closed_at_once_and_may_come_back_and_who_is_revoked_does_not()
    {
        await using var house = await Greenhouse.OpenAsync();
        using var page = await PageAsync(house.Broker, house.Ana);
        var token = await house.MountAsync(house.Bob);
        var path = Devices + "/" + Text(await OnlyAsync(page), "id");
        await using var one = await house.ConnectAsync(house.Bob, clientId: "one", password: token);
        await using var two = await house.ConnectAsync(house.Bob, MqttVersion.V311, "two", token);
        await using var bob = await house.ConnectAsync(house.Bob);

        await page.Expect(HttpStatusCode.NoContent, HttpMethod.Post, path + "/disconnect");

        Assert.Equal((byte)0x98, (await one.WaitForCloseAsync()).Disconnect);
        await two.WaitForCloseAsync();
        await bob.PingAsync();
        await using var again = await house.ConnectAsync(house.Bob, clientId: "one", password: token);
        await again.PingAsync();

        await page.Delete(path);
        Assert.Equal((byte)0x98, (await again.WaitForCloseAsync()).Disconnect);
        await using var refused = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        Assert.Equal(0x86, (await refused.ConnectAsync("bob", token)).ReasonCode);
        await page.Delete(path, HttpStatusCode.NotFound);
        await page.Expect(HttpStatusCode.NotFound, HttpMethod.Post, path + "/disconnect");
    }

    [Fact]
    public async Task Attack_26_A_renewed_token_has_another_secret_and_the_one_before_opens_nothing_anywhere()
    {
        await using var house = await Greenhouse.OpenAsync();
        using Calls anas = await PageAsync(house.Broker, house.Ana), bobs = await PageAsync(house.Broker, house.Bob);
        await Acts.GiveAsync(house.Broker, "greenhouse", house.Ana, house.Bob, MemberRole.Moderator);
        var token = await house.MountAsync(house.Bob, topics: new TopicScope(["#"], ["bed/#"]));
        var before = await OnlyAsync(bobs);
        var path = Devices + "/" + Text(before, "id");
        await using var device = await house.ConnectAsync(house.Bob, clientId: "bed", password: token);
        using DataCalls old = new(house.Broker, token, "greenhouse");
        Assert.Equal(HttpStatusCode.NoContent, await old.PutAsync("bed/temp", "21"));

        // Not for another one, were he the owner: he would be left with it.
        await anas.Expect(HttpStatusCode.Forbidden, HttpMethod.Post, path + "/renew");
        await device.PingAsync();

        var renewed = Text(await bobs.Expect(HttpStatusCode.OK, HttpMethod.Post, path + "/renew"), "token")!;

        Assert.NotEqual(token, renewed);
        await device.WaitForCloseAsync();
        for (var start = 0; start < 2; start++)
        {
            Assert.Equal(HttpStatusCode.Unauthorized, await Unauthorized(house, token));
            await using var refused = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
            Assert.Equal(0x86, (await refused.ConnectAsync("bob", token)).ReasonCode);
            await using var again = await house.ConnectAsync(house.Bob, clientId: "bed", password: renewed);
            Assert.Equal(0, (await again.PublishAsync("bed/temp", "22")).ReasonCode);
            Assert.Equal(0x87, (await again.PublishAsync("elsewhere", "22")).ReasonCode);
            if (start == 0)
            {
                await house.Broker.RestartAsync();
            }
        }

        var bob = house.Broker.Get<AccountDirectory>().Find(house.Bob.Account.Id)!;
        using var page = await PageAsync(house.Broker, house.Bob with { Account = bob });
        var after = await OnlyAsync(page);
        Assert.All(new[] { "id", "name", "createdAt" }, field => Assert.Equal(Text(before, field), Text(after, field)));
        await page.Delete(path);
        await using var over = await RawMqttClient.OverTcpAsync(house.Broker.Mqtt);
        Assert.Equal(0x86, (await over.ConnectAsync("bob", renewed)).ReasonCode);
    }

    [Fact]
    public async Task Devices_come_page_by_page_by_name_and_of_one_with_many_clients_some_are_shown()
    {
        await using var house = await Greenhouse.OpenAsync();
        using var page = await PageAsync(house.Broker, house.Ana);
        var tokens = new List<string>();
        for (var i = 0; i < 5; i++)
        {
            // Names as long as they may be: where one stands is told by them.
            tokens.Add(await house.MountAsync(house.Bob, name: string.Concat(Enumerable.Repeat("🌡", 64))));
        }

        List<string?> seen = [];
        string? cursor = "";
        while (cursor is not null)
        {
            var answer = await page.Get($"{Devices}?limit=2{(cursor.Length > 0 ? "&cursor=" + cursor : "")}");
            var ids = answer.GetProperty("devices").EnumerateArray().Select(device => Text(device, "id")).ToList();
            Assert.InRange(ids.Count, 1, 2);
            seen.AddRange(ids);
            cursor = Text(answer, "next");
        }

        Assert.Equal((5, 5), (seen.Count, seen.Distinct().Count()));
        await page.Get(Devices + "?limit=201", HttpStatusCode.BadRequest);
        foreach (var wrong in new[] { "x", "6161", new string('a', 2000) })
        {
            await page.Get($"{Devices}?cursor={wrong}", HttpStatusCode.BadRequest);
        }

        List<RawMqttClient> clients = [];
        for (var i = 0; i < Broker.Api.DeviceJson.ClientsShown + 3; i++)
        {
            clients.Add(await house.ConnectAsync(house.Bob, clientId: $"c{i}", password: tokens[0]));
        }

        var crowded = (await page.Get(Devices)).GetProperty("devices").EnumerateArray().Single(device => device.GetProperty("connected").GetInt32() > 0);
        Assert.Equal((23, 20, 3), (crowded.GetProperty("connected").GetInt32(), crowded.GetProperty("clients").GetArrayLength(), crowded.GetProperty("more").GetInt32()));
        await Task.WhenAll(clients.Select(client => client.DisposeAsync().AsTask()));
    }

    internal static async Task<Calls> PageAsync(RunningBroker broker, Member member) => Calls.OfPage(broker, await broker.SignInAsync(member.Account));

    internal static string? Text(JsonElement of, string field) => of.GetProperty(field).GetString();

    private static bool Is(JsonElement of, string field) => of.GetProperty(field).GetBoolean();

    private static async Task<JsonElement> OnlyAsync(Calls page) => Assert.Single((await page.Get(Devices)).GetProperty("devices").EnumerateArray());

    private static async Task<Member> MemberAsync(Greenhouse house, string name, MemberRole role)
    {
        var member = await house.Broker.RegisterAsync(name);
        await house.Broker.Get<RoomMembers>().JoinAsync(house.Room, member.Account);
        Assert.Null((await Acts.GiveAsync(house.Broker, "greenhouse", house.Ana, member, role)).Refusal);
        return member;
    }

    private static async Task<HttpStatusCode> Unauthorized(Greenhouse house, string token)
    {
        using var calls = Calls.As(house.Broker, house.Bob with { Token = token });
        return (await calls.SendAsync(HttpMethod.Get, "/api/rooms/greenhouse/data")).Status;
    }

    // The list first.
    private static IEnumerable<(HttpMethod Method, string Path)> CallsOn(string device) =>
    [
        (HttpMethod.Get, Devices),
        (HttpMethod.Post, device + "/disconnect"),
        (HttpMethod.Post, device + "/renew"),
        (HttpMethod.Post, device + "/trace"),
        (HttpMethod.Get, device + "/trace"),
        (HttpMethod.Delete, device),
    ];
}
