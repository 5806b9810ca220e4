using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Examples;

/// <summary>An administrator looks after the server, as docs/protocol.md shows it.</summary>
internal static class AdministrationTalk
{
    /// <param name="ana">The page of the first account.</param>
    public static async Task HoldAsync(RunningBroker broker, HttpClient ana, Heard heard)
    {
        // It has been banned and let in again; its reason is told.
        await broker.Get<AdminAccounts>().BanAsync(AdminActor.Operator, "dan", null, "spam");
        await broker.Get<AdminAccounts>().UnbanAsync(AdminActor.Operator, "dan");
        foreach (var path in new[] { "overview", "figures?hours=1", "accounts", "rooms", "audit", "settings" })
        {
            heard.Add(await ana.GetFromJsonAsync<JsonElement>(new Uri($"/api/admin/{path}", UriKind.Relative), TestContext.Current.CancellationToken));
        }
    }
}
