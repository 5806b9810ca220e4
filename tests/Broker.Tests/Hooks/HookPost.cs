using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;

namespace WebMessenger.Broker.Tests.Hooks;

/// <summary>A hook of the room `yard`, as its maker has it and as programs elsewhere call it.</summary>
internal sealed record HookPost(RunningBroker Broker, string Id, string Path)
{
    public const string Hooks = "/api/rooms/yard/hooks";

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<Calls> PageOfAsync(RunningBroker broker, Account account) => Calls.OfPage(broker, await broker.SignInAsync(account));

    /// <summary>Made on the page of this account.</summary>
    public static async Task<HookPost> MadeByAsync(RunningBroker broker, Account account, string name = "CI", string? template = null)
    {
        using var page = await PageOfAsync(broker, account);
        var made = await page.Expect(System.Net.HttpStatusCode.Created, HttpMethod.Post, Hooks, new { name, template });
        return new HookPost(broker, made.GetProperty("id").GetString()!, made.GetProperty("path").GetString()!);
    }

    /// <summary>Status and code, as "200" or "410 hook_ended".</summary>
    public async Task<string> SayAsync(string body, string contentType = "text/plain")
    {
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = Broker.Http };
        using ByteArrayContent content = new(Encoding.UTF8.GetBytes(body));
        content.Headers.ContentType = MediaTypeHeaderValue.Parse(contentType);
        using var answer = await http.PostAsync(Path, content, Cancellation);
        var text = await answer.Content.ReadAsStringAsync(Cancellation);
        using var json = JsonDocument.Parse(text);
        var code = json.RootElement.TryGetProperty("code", out var given) ? given.GetString()
            : json.RootElement.GetProperty("said").GetBoolean() ? "" : "unsaid";
        return $"{(int)answer.StatusCode} {code}".TrimEnd();
    }

    /// <summary>What it did last, the newest first: "said", "refused no_text", "refused too_large x3".</summary>
    public async Task<string[]> RunsAsync(Account reader)
    {
        using var page = await PageOfAsync(Broker, reader);
        var its = (await page.Get(Hooks)).GetProperty("hooks").EnumerateArray().Single(hook => hook.GetProperty("id").GetString() == Id);
        return
        [
            .. its.GetProperty("runs").EnumerateArray().Select(run =>
                $"{run.GetProperty("outcome")} {run.GetProperty("why")}".TrimEnd()
                    + (run.GetProperty("times").GetInt32() is > 1 and var times ? $" x{times}" : "")),
        ];
    }
}
