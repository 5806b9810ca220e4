using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>What the page's card of a person asks for.</summary>
public sealed class CommonRoomsTests
{
    [Fact]
    public async Task Rooms_in_common_are_those_that_both_are_in_and_say_since_when_the_other_is()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var (ana, bea) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bea"));
        using var anas = Calls.As(broker, ana);
        using var beas = Calls.As(broker, bea);
        var before = DateTimeOffset.UtcNow.AddSeconds(-1);
        await anas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms", new { id = "yard", title = "The yard", visibility = "public" });
        await beas.Put("/api/rooms/yard/members/me", HttpStatusCode.NoContent);
        await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms", new { id = "beas", title = "Secret", visibility = "private" });
        await anas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms", new { id = "anas", title = "Mine", visibility = "private" });

        var common = await CommonAsync(broker, ana, "bea");

        Assert.Equal(["yard"], common.Select(room => room.GetProperty("id").GetString()));
        Assert.Equal("The yard", common[0].GetProperty("title").GetString());
        Assert.InRange(common[0].GetProperty("since").GetDateTimeOffset(), before, DateTimeOffset.UtcNow.AddSeconds(1));

        // Who left has it in common no more; of nobody the answer is the same, and no program asks.
        await beas.Expect(HttpStatusCode.NoContent, HttpMethod.Delete, "/api/rooms/yard/members/me");
        Assert.Empty(await CommonAsync(broker, ana, "bea"));
        Assert.Empty(await CommonAsync(broker, ana, "nobody"));
        await anas.Get("/api/people/bea/rooms", HttpStatusCode.Unauthorized);
    }

    private static async Task<JsonElement[]> CommonAsync(RunningBroker broker, Member who, string user)
    {
        using HttpClient http = new() { BaseAddress = broker.Http };
        http.DefaultRequestHeaders.Add("Cookie", "webmessenger=" + (await broker.SignInAsync(who.Account)).Secret);
        var answer = await http.GetFromJsonAsync<JsonElement>($"/api/people/{user}/rooms", TestContext.Current.CancellationToken);
        return [.. answer.GetProperty("rooms").EnumerateArray()];
    }
}
