using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;

namespace WebMessenger.Broker.Tests.Invites;

/// <summary>A link, as who made it was told.</summary>
internal sealed record MadeLink(string Id, string Secret, JsonElement Told);

/// <summary>What tests of invite links do: a room `yard` that people come into by invitation alone, with its owner, a moderator and two
/// members.</summary>
internal sealed record InviteTalk(RunningBroker Broker, MessageTalk Talk)
{
    public const string Links = "/api/rooms/yard/invites";

    public const string Use = "/api/invites";

    public static async Task<InviteTalk> InYardAsync(RunningBroker broker)
    {
        var talk = await MessageTalk.InYardAsync(broker);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Entry = "invite" })).Refusal);
        return new InviteTalk(broker, talk);
    }

    public async Task<MadeLink> MakeAsync(object? asked = null, Member? by = null)
    {
        using var calls = Calls.As(Broker, by ?? Talk.Maker);
        var told = await calls.Expect(HttpStatusCode.Created, HttpMethod.Post, Links, asked ?? new { });
        var path = told.GetProperty("path").GetString()!;
        Assert.StartsWith("/i#", path, StringComparison.Ordinal);
        return new MadeLink(told.GetProperty("id").GetString()!, path["/i#".Length..], told);
    }

    public async Task<Calls> NewGuestAsync(string nickname) => await OfGuestAsync(await NewGuestAccountAsync(nickname));

    public async Task<Calls> OfGuestAsync(Account guest) => Calls.OfPage(Broker, await Broker.SignInAsync(guest));

    public async Task<Account> NewGuestAccountAsync(string nickname) =>
        (await Broker.Get<Registration>().EnterAsGuestAsync(nickname, null)).Value!;

    /// <summary>By nobody who is signed in: status and code, as "200" or "404 no_such_invite".</summary>
    public async Task<string> LookAsync(string secret)
    {
        using HttpClient http = new() { BaseAddress = Broker.Http };
        using var answer = await http.PostAsJsonAsync(new Uri("/api/invites/look", UriKind.Relative), new { secret }, TestContext.Current.CancellationToken);
        return Said(answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Status and code, as above.</summary>
    public static async Task<string> UseAsync(Calls who, MadeLink link)
    {
        var (status, text) = await who.SendAsync(HttpMethod.Post, Use, new { secret = link.Secret });
        return Said(status, text);
    }

    /// <summary>How many more come in by each link that the room's owner is shown; null: as many as come.</summary>
    public async Task<int?[]> LeftAsync()
    {
        using var makers = Calls.As(Broker, Talk.Maker);
        return [.. (await makers.Get(Links)).GetProperty("invites").EnumerateArray()
            .Select(one => one.TryGetProperty("left", out var left) ? left.GetInt32() : (int?)null)];
    }

    public static string Said(HttpStatusCode status, string text)
    {
        using var json = text.Length == 0 ? null : JsonDocument.Parse(text);
        return json is not null && json.RootElement.TryGetProperty("code", out var code) ? $"{(int)status} {code.GetString()}" : $"{(int)status}";
    }
}
