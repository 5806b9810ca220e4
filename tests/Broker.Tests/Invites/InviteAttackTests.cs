using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Secrets;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using static WebMessenger.Broker.Tests.Invites.InviteTalk;

namespace WebMessenger.Broker.Tests.Invites;

/// <summary>Links that open nothing any more, or never did, cannot be told from one another by whoever tries them.</summary>
public sealed class InviteAttackTests
{
    [Fact]
    public async Task Attack_58_A_link_that_is_guessed_used_up_over_revoked_or_of_a_room_that_ended_is_refused_and_told_alike()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartAsync(services => services.AddSingleton<TimeProvider>(time));
        var yard = await InYardAsync(broker);
        using var makers = Calls.As(broker, yard.Talk.Maker);
        using var guests = await yard.NewGuestAsync("Zoe");
        using var eves = Calls.As(broker, await broker.RegisterAsync("eve"));
        using var beas = Calls.As(broker, yard.Talk.Bea);
        using HttpClient nobody = new() { BaseAddress = broker.Http };

        // Each works before it does not.
        var (usedUp, over, revoked) = (await yard.MakeAsync(new { uses = 1 }), await yard.MakeAsync(new { minutes = 60 }), await yard.MakeAsync());
        var (banned, demoted) = (await yard.MakeAsync(), await yard.MakeAsync());
        var ended = await OfAnotherRoomAsync(broker, makers);
        foreach (var link in new[] { usedUp, over, revoked, banned, demoted, ended })
        {
            Assert.Equal("200", await yard.LookAsync(link.Secret));
            Assert.Equal("404 no_such_invite", await yard.LookAsync(Beside(link.Secret)));
        }

        Assert.Equal("200", await UseAsync(guests, usedUp));
        await guests.Delete("/api/rooms/yard/members/me");
        time.Advance(TimeSpan.FromMinutes(60));
        await makers.Delete($"{Links}/{revoked.Id}");
        await makers.Delete("/api/rooms/den");

        // Who is banned is told of his ban, which he knows, by a link that works alone.
        Assert.Null((await Acts.ModerateAsync(broker, "yard", yard.Talk.Mod, "ban", yard.Talk.Bea.Account)).Refusal);
        Assert.Equal("403 room_banned", await UseAsync(beas, banned));
        Assert.False(broker.Room("yard").IsMember(yard.Talk.Bea.Account.Id));
        Assert.Null((await Acts.GiveAsync(broker, "yard", yard.Talk.Maker, yard.Talk.Mod, MemberRole.Owner)).Refusal);

        string[] secrets =
        [
            Secret.CreateForLink(), "x", "", Beside(usedUp.Secret),
            usedUp.Secret, over.Secret, revoked.Secret, ended.Secret, demoted.Secret,
        ];
        HashSet<string> looked = [], used = [];
        foreach (var secret in secrets)
        {
            looked.Add(await AnswerAsync(nobody, secret));
            foreach (var calls in new[] { eves, beas, guests })
            {
                var (status, text) = await calls.SendAsync(HttpMethod.Post, Use, new { secret });
                used.Add($"{(int)status} {Told(text)}");
                (status, text) = await calls.SendAsync(HttpMethod.Post, Use + "/look", new { secret });
                used.Add($"{(int)status} {Told(text)}");
            }
        }

        Assert.StartsWith("404 ", Assert.Single(used), StringComparison.Ordinal);
        Assert.Contains("no_such_invite", Assert.Single(used), StringComparison.Ordinal);
        Assert.Contains("no_such_invite", Assert.Single(looked), StringComparison.Ordinal);
        Assert.False(broker.Room("yard").IsMember(yard.Talk.Bea.Account.Id));
        Assert.Equal(
            ["caio", "dora", "maker"],
            broker.Room("yard").MemberIds.Select(id => broker.Get<Auth.Accounts.AccountDirectory>().Find(id)!.UserName).Order(StringComparer.Ordinal));
    }

    private static async Task<MadeLink> OfAnotherRoomAsync(RunningBroker broker, Calls makers)
    {
        await makers.MakeRoom("den");
        var told = await makers.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/den/invites", new { });
        return new MadeLink(told.GetProperty("id").GetString()!, told.GetProperty("path").GetString()!["/i#".Length..], told);
    }

    private static string Beside(string secret) => (secret[0] == 'A' ? 'B' : 'A') + secret[1..];

    // With the names of its headers: they tell nothing either.
    private static async Task<string> AnswerAsync(HttpClient nobody, string secret)
    {
        var cancellation = TestContext.Current.CancellationToken;
        using var answer = await nobody.PostAsJsonAsync(new Uri(Use + "/look", UriKind.Relative), new { secret }, cancellation);
        var headers = answer.Headers.Concat(answer.Content.Headers).Where(header => header.Key != "Date").OrderBy(header => header.Key, StringComparer.Ordinal);
        return $"{(int)answer.StatusCode} {string.Join("; ", headers.Select(header => $"{header.Key}: {string.Join(',', header.Value)}"))} "
            + Told(await answer.Content.ReadAsStringAsync(cancellation));
    }

    // All but what tells the requests themselves apart.
    private static string Told(string problem)
    {
        var fields = JsonDocument.Parse(problem).RootElement.EnumerateObject().Where(field => field.Name != "traceId");
        return string.Join(' ', fields.Select(field => $"{field.Name}={field.Value}"));
    }
}
