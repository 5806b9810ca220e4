using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.Postgres.Testing;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>Node 1 of a house, where guests whisper to each other all the time. The server of a test is node 2 beside it.</summary>
/// <remarks>
/// With `WEBMESSENGER_CLUSTER=1` each server has one: so what is true of a server is seen to be true of a node (`./test.sh --cluster`).
/// </remarks>
internal sealed class Companion : IAsyncDisposable
{
    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _stop = new();
    private readonly ServerProcess _node;
    private Task _talking = Task.CompletedTask;

    private Companion(ServerProcess node, string[] settings) => (_node, Settings) = (node, settings);

    public static bool IsWanted { get; } = Environment.GetEnvironmentVariable("WEBMESSENGER_CLUSTER") == "1" && PostgresServer.WhyNot is null;

    /// <summary>By which a program becomes node 2.</summary>
    public string[] Settings { get; }

    /// <param name="settings">Of both nodes.</param>
    public static async Task<Companion> StartAsync(IReadOnlyList<string> settings)
    {
        var database = await PostgresServer.SharedAsync();
        var connection = await database.CreateDatabaseAsync();
        string[] Node() => ServerHouse.SettingsOf(connection, database.Port, database.Port);
        Companion companion = new(await ServerProcess.StartAloneAsync([.. settings, .. Node()]), Node());
        companion._talking = companion.TalkAsync(companion._stop.Token);
        return companion;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _talking;
        await _node.DisposeAsync();
        _stop.Dispose();
    }

    private async Task TalkAsync(CancellationToken stop)
    {
        try
        {
            var (cookie, user) = await EnterAsync("Whispering");
            var (otherCookie, other) = await EnterAsync("Listening");
            await using var speaker = await _node.PageAsync(cookie);
            await using var listener = await _node.PageAsync(otherCookie);
            await speaker.ConnectAsync();
            await listener.ConnectAsync();
            await listener.SubscribeAsync($"users/{other}");
            while (!stop.IsCancellationRequested)
            {
                await speaker.PublishAsync($"users/{other}", $"from {user} to {other}");
                _ = listener.AlreadyHere();
                await Task.Delay(_pause, stop);
            }
        }
        catch (Exception error) when (error is OperationCanceledException or HttpRequestException or WireException or KeyNotFoundException or IOException)
        {
            // The end; or guests may not come in where a test says so.
        }
    }

    private async Task<(string Cookie, string User)> EnterAsync(string nickname)
    {
        using HttpClient http = new() { BaseAddress = _node.Address };
        using var answer = await http.PostAsJsonAsync("/api/session/guest", new { nickname });
        answer.EnsureSuccessStatusCode();
        var session = await answer.Content.ReadFromJsonAsync<JsonElement>();
        return (answer.Headers.GetValues("Set-Cookie").First().Split(';')[0], session.GetProperty("user").GetString()!);
    }
}
