using System.Net;
using System.Text.Json;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using Calls = WebMessenger.Broker.Tests.Rooms.Calls;

namespace WebMessenger.Broker.Tests.Admin;

/// <summary>The list of rooms, and rooms that somebody has no more.</summary>
public sealed class AdminRoomsTests
{
    private const string Rooms = "/api/admin/rooms";

    private static string[] Ids(JsonElement page) => [.. page.GetProperty("rooms").EnumerateArray().Select(one => one.GetProperty("room").GetString()!)];

    [Fact]
    public async Task Rooms_are_listed_with_how_large_they_are_and_nothing_that_was_said_there()
    {
        await using var desk = await Desk.OpenAsync();
        using var anas = Calls.As(desk.Broker, desk.Ana);
        await anas.MakeRoom("yard");
        await anas.MakeRoom("vault", "private");
        await using var client = await desk.Broker.ConnectAsync(desk.Ana);
        await client.SubscribeAsync("rooms/vault");
        Assert.True((await client.PublishAsync("rooms/vault", "a very private word")).Accepted);

        var first = await desk.Page.Get(Rooms + "?limit=2");
        Assert.Equal(["lobby", "vault"], Ids(first));
        Assert.Equal(["yard"], Ids(await desk.Page.Get($"{Rooms}?limit=2&cursor={first.GetProperty("cursor").GetString()}")));
        Assert.Equal(["vault"], Ids(await desk.Page.Get(Rooms + "?filter=private")));
        Assert.Equal(["lobby", "yard"], Ids(await desk.Page.Get(Rooms + "?filter=public")));
        Assert.Equal(["yard"], Ids(await desk.Page.Get(Rooms + "?query=YARD")));
        Assert.Empty(Ids(await desk.Page.Get(Rooms + "?filter=orphaned")));
        var vault = first.GetProperty("rooms")[1];
        Assert.Equal(
            ("Room vault", "private", "open", "ana", 1, 1, false),
            (vault.GetProperty("title").GetString(), vault.GetProperty("visibility").GetString(), vault.GetProperty("entry").GetString(),
                vault.GetProperty("owner").GetString(), vault.GetProperty("members").GetInt32(), vault.GetProperty("present").GetInt32(),
                vault.GetProperty("archived").GetBoolean()));
        Assert.Equal(desk.Broker.Room("vault").Head, vault.GetProperty("events").GetInt64());
        Assert.True(vault.GetProperty("bytes").GetInt64() >= 0);
        Assert.True(vault.TryGetProperty("lastActivity", out _) && vault.TryGetProperty("since", out _));
        Assert.DoesNotContain("private word", first.ToString(), StringComparison.Ordinal);
        await desk.Page.Get(Rooms + "?filter=odd", HttpStatusCode.BadRequest);
        await desk.Page.Get(Rooms + "?limit=0", HttpStatusCode.BadRequest);
    }

    [Fact]
    public async Task A_room_whose_owner_is_banned_is_orphaned_and_is_given_to_somebody_who_is_in_it()
    {
        await using var desk = await Desk.OpenAsync();
        using var anas = Calls.As(desk.Broker, desk.Ana);
        await anas.MakeRoom("yard");
        await using var bobs = await desk.Broker.ConnectAsync(desk.Bob);
        await bobs.SubscribeAsync("rooms/yard");
        await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Post, "/api/admin/accounts/ana/ban", new { });
        Assert.Equal(["yard"], Ids(await desk.Page.Get(Rooms + "?filter=orphaned")));
        var path = Rooms + "/yard/owner";
        Assert.Equal("no_such_member", Desk.Code(await desk.Page.Expect(HttpStatusCode.NotFound, HttpMethod.Put, path, new { user = "admina" })));
        await desk.Page.Expect(HttpStatusCode.BadRequest, HttpMethod.Put, path, new { });
        Assert.Equal("no_such_room", Desk.Code(await desk.Page.Expect(HttpStatusCode.NotFound, HttpMethod.Put, Rooms + "/nowhere/owner", new { user = "bob" })));

        var given = await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Put, path, new { user = "bob" });

        Assert.Equal("bob", given.GetProperty("owner").GetString());
        var told = await bobs.PublishesUntilAsync(publish => publish.Text.Contains("\"role\":\"owner\"", StringComparison.Ordinal));
        Assert.Contains("admina", told[^1].Text, StringComparison.Ordinal);
        Assert.Empty(Ids(await desk.Page.Get(Rooms + "?filter=orphaned")));
        Assert.Equal(["room-owner", "ban"], await desk.ActsAsync());
    }

    [Fact]
    public async Task Rooms_are_archived_opened_and_deleted_and_that_is_in_the_list_of_what_was_done()
    {
        await using var desk = await Desk.OpenAsync();
        using var anas = Calls.As(desk.Broker, desk.Ana);
        await anas.MakeRoom("vault", "private");
        await using var client = await desk.Broker.ConnectAsync(desk.Ana);
        await client.SubscribeAsync("rooms/vault");

        Assert.True((await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Put, Rooms + "/vault/archive")).GetProperty("archived").GetBoolean());
        Assert.Contains("admina", (await client.PublishesUntilAsync(told => told.Text.Contains("\"archived\":true", StringComparison.Ordinal)))[^1].Text, StringComparison.Ordinal);
        Assert.False((await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Delete, Rooms + "/vault/archive")).GetProperty("archived").GetBoolean());
        Assert.Equal("proof_needed", Desk.Code(await desk.Page.Delete(Rooms + "/vault", HttpStatusCode.Forbidden)));
        await desk.ProveAsync();
        await desk.Page.Delete(Rooms + "/vault");

        await anas.Get("/api/rooms/vault", HttpStatusCode.NotFound);
        Assert.Equal(["room-delete", "room-unarchive", "room-archive"], await desk.ActsAsync());
        foreach (var (method, path) in new[] { (HttpMethod.Put, "/archive"), (HttpMethod.Delete, "/archive"), (HttpMethod.Delete, "") })
        {
            Assert.Equal("no_such_room", Desk.Code(await desk.Page.Expect(HttpStatusCode.NotFound, method, Rooms + "/vault" + path)));
        }

        Assert.Equal("default_room", Desk.Code(await desk.Page.Expect(HttpStatusCode.Conflict, HttpMethod.Put, Rooms + "/lobby/archive")));
        Assert.Equal("default_room", Desk.Code(await desk.Page.Delete(Rooms + "/lobby", HttpStatusCode.Conflict)));
        Assert.Equal(3, (await desk.ActsAsync()).Length);
    }

    [Fact]
    public async Task A_room_says_that_it_is_orphaned_exactly_where_the_filter_finds_it()
    {
        await using var desk = await Desk.OpenAsync();
        using var anas = Calls.As(desk.Broker, desk.Ana);
        await anas.MakeRoom("yard");
        await desk.Page.Expect(HttpStatusCode.OK, HttpMethod.Post, "/api/admin/accounts/ana/ban", new { });

        var all = (await desk.Page.Get(Rooms)).GetProperty("rooms").EnumerateArray().ToList();

        Assert.Equal(["lobby", "yard"], all.Select(room => room.GetProperty("room").GetString()));
        Assert.Equal([false, true], all.Select(room => room.GetProperty("orphaned").GetBoolean()));
        Assert.Equal(["yard"], Ids(await desk.Page.Get(Rooms + "?filter=orphaned")));
    }
}
