using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.EndToEnd.Tests.Durability;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Sessions;

/// <summary>The operator's commands against the real program, and kill -9 between them.</summary>
public sealed class BanTests
{
    [Fact]
    public async Task Attack_27_69_A_ban_that_was_answered_survives_kill_9_and_so_does_its_end()
    {
        Companion.LeaveOut("commands that work on the files of a server that was killed.");
        await using var server = await ServerProcess.StartAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        var token = await ana.NewTokenAsync();
        await using var bot = await server.TcpAsync();
        Assert.True((await bot.ConnectAsync(ana.UserName, token)).Accepted);

        Assert.Equal($"{ana.UserName} is banned. Ended: 1 login session, 1 access token.", await RunAsync(server, "ban", ana.UserName, "--reason", "spam"));
        await server.KillAsync();
        await bot.WaitForCloseAsync();
        await server.StartAgainAsync();

        Assert.Equal((HttpStatusCode.Forbidden, "banned"), await SignInAsync(server, ana, Person.Password));
        Assert.Equal((HttpStatusCode.Unauthorized, "bad_credentials"), await SignInAsync(server, ana, "not the password"));
        Assert.Equal(HttpStatusCode.Unauthorized, (await ana.Http.GetAsync(new Uri("/api/session", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(0x86, await ConnectAsync(server, ana, token));

        // By the server, then on the data of one that was killed.
        Assert.Equal($"{ana.UserName} may sign in again.", await RunAsync(server, "unban", ana.UserName));
        await server.KillAsync();
        Assert.Equal("Nobody is banned.", await RunAsync(server, "bans"));
        await RunAsync(server, "ban", ana.UserName);
        await server.StartAgainAsync();
        Assert.Equal((HttpStatusCode.Forbidden, "banned"), await SignInAsync(server, ana, Person.Password));

        await RunAsync(server, "unban", ana.UserName);
        Assert.Equal((HttpStatusCode.OK, ""), await SignInAsync(server, ana, Person.Password));
        Assert.Equal(HttpStatusCode.Unauthorized, (await ana.Http.GetAsync(new Uri("/api/session", UriKind.Relative), TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(0x86, await ConnectAsync(server, ana, token));
        Assert.DoesNotContain("spam", server.Log, StringComparison.Ordinal);
    }

    private static async Task<string> RunAsync(ServerProcess server, params string[] command)
    {
        var ended = await ProgramRun.ToEndAsync([.. command, $"--WebMessenger:DataFolder={server.DataFolder}"]);
        Assert.True(ended.ExitCode == 0, ended.Error);
        return ended.Output.Trim();
    }

    private static async Task<(HttpStatusCode Status, string Code)> SignInAsync(ServerProcess server, Person person, string password)
    {
        using HttpClient http = new() { BaseAddress = server.Address };
        using var answer = await http.PostAsJsonAsync("/api/session", new { login = person.UserName, password }, TestContext.Current.CancellationToken);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return (answer.StatusCode, body.TryGetProperty("code", out var code) ? code.GetString()! : "");
    }

    private static async Task<int> ConnectAsync(ServerProcess server, Person person, string password)
    {
        await using var client = await server.TcpAsync();
        return (await client.ConnectAsync(person.UserName, password)).ReasonCode;
    }
}
