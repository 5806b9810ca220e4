using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Rooms;

public sealed class PrivateRoomTests
{
    [Fact]
    public async Task The_maker_of_a_private_room_cannot_leave_it_behind()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var maker = await broker.RegisterAsync("caio");
        using var http = Client(broker, maker);
        await Expect(
            HttpStatusCode.Created, http, HttpMethod.Post, "/api/rooms", new { id = "den", title = "Den", visibility = "private" });

        var refused = await Expect(HttpStatusCode.Conflict, http, HttpMethod.Delete, "/api/rooms/den/members/me");
        Assert.Equal("owner_leaves", (
            await refused.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("code").GetString());
        await Expect(HttpStatusCode.OK, http, HttpMethod.Get, "/api/rooms/den");

        // Public, it can be left, and come back to.
        await Expect(HttpStatusCode.OK, http, HttpMethod.Patch, "/api/rooms/den", new { visibility = "public" });
        await Expect(HttpStatusCode.NoContent, http, HttpMethod.Delete, "/api/rooms/den/members/me");
    }

    [Fact]
    public async Task The_administrator_manages_a_private_room_without_hearing_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var admin = await broker.RegisterAsync("admina");
        var maker = await broker.RegisterAsync("caio");
        var other = await broker.RegisterAsync("bea");
        using var makers = Client(broker, maker);
        using var admins = Client(broker, admin);
        using var others = Client(broker, other);
        await Expect(
            HttpStatusCode.Created, makers, HttpMethod.Post, "/api/rooms", new { id = "den", title = "Den", visibility = "private" });

        await Expect(HttpStatusCode.NotFound, others, HttpMethod.Get, "/api/rooms/den");
        await Expect(HttpStatusCode.NotFound, others, HttpMethod.Delete, "/api/rooms/den");
        await Expect(HttpStatusCode.NotFound, admins, HttpMethod.Get, "/api/rooms/den/events");
        await using var listener = await broker.ConnectAsync(admin);
        Assert.Equal([0x87], (await listener.SubscribeAsync("rooms/den")).ReasonCodes);
        await Expect(HttpStatusCode.Forbidden, admins, HttpMethod.Put, "/api/rooms/den/members/bea");
        await Expect(HttpStatusCode.OK, admins, HttpMethod.Patch, "/api/rooms/den", new { topic = "Kept in order" });
        await Expect(HttpStatusCode.Forbidden, admins, HttpMethod.Delete, "/api/rooms/den");
        await Expect(HttpStatusCode.NoContent, admins, HttpMethod.Delete, "/api/rooms/den", new { password = "correct horse battery staple" });
        await Expect(HttpStatusCode.NotFound, makers, HttpMethod.Get, "/api/rooms/den");
    }

    private static HttpClient Client(RunningBroker broker, Member member)
    {
        HttpClient client = new() { BaseAddress = broker.Http };
        client.DefaultRequestHeaders.Authorization = new("Bearer", member.Token);
        return client;
    }

    private static async Task<HttpResponseMessage> Expect(
        HttpStatusCode status, HttpClient http, HttpMethod method, string path, object? body = null)
    {
        using HttpRequestMessage request =
            new(method, new Uri(path, UriKind.Relative)) { Content = body is null ? null : JsonContent.Create(body) };
        var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(status, answer.StatusCode);
        return answer;
    }
}
