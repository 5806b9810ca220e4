using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.Postgres.Testing;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>Node 1 of a house, where guests whisper to each other all the time. The server of a test is node 2 beside it.</summary>
/// <remarks>
/// With `WEBMESSENGER_CLUSTER=1` each server has one: so what is true of a server is seen to be true of a node (`./test.sh --cluster`).
/// A <see cref="Person"/> acts at node 1, and the test's first page is of node 2 (<see cref="ServerProcess.SpreadsClients"/>).
/// </remarks>
internal sealed class Companion : IAsyncDisposable
{
    private const byte QuotaExceeded = 0x97;

    private static readonly TimeSpan _pause = TimeSpan.FromMilliseconds(100);

    private readonly CancellationTokenSource _stop = new();
    private Task _talking = Task.CompletedTask;

    private Companion(ServerProcess node, string[] settings) => (Node, Settings) = (node, settings);

    public static bool IsWanted { get; } = Environment.GetEnvironmentVariable("WEBMESSENGER_CLUSTER") == "1" && PostgresServer.WhyNot is null;

    public ServerProcess Node { get; }

    /// <summary>By which a program becomes node 2.</summary>
    public string[] Settings { get; }

    /// <param name="settings">Of both nodes.</param>
    public static async Task<Companion> StartAsync(IReadOnlyList<string> settings)
    {
        var database = await PostgresServer.SharedAsync();
        var connection = await database.CreateDatabaseAsync();
        string[] OfNode() => ServerHouse.SettingsOf(connection, database.Port, database.Port);
        Companion companion = new(await ServerProcess.StartAloneAsync([.. settings, .. OfNode()]), OfNode());
        companion._talking = companion.TalkAsync(companion._stop.Token);
        return companion;
    }

    /// <summary>Leaves a test out by a node whose subject is one server alone.</summary>
    /// <param name="why">What only one server alone has, or does.</param>
    public static void LeaveOut(string why) => Assert.SkipWhen(IsWanted, $"Of one server alone: {why}");

    /// <summary>Fails if those who talk were stopped by anything but this.</summary>
    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        try
        {
            await _talking;
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Before they were in.
        }
        finally
        {
            await Node.DisposeAsync();
            _stop.Dispose();
        }
    }

    private async Task TalkAsync(CancellationToken stop)
    {
        if (await EnterAsync("Whispering", stop) is not { } speaking || await EnterAsync("Listening", stop) is not { } listening)
        {
            // Guests may not come in where a test says so.
            return;
        }

        await using var speaker = await Node.PageAsync(speaking.Cookie);
        await using var listener = await Node.PageAsync(listening.Cookie);
        Assert.True((await speaker.ConnectAsync()).Accepted);
        Assert.True((await listener.ConnectAsync()).Accepted);
        await listener.SubscribeAsync($"users/{listening.User}");
        while (!stop.IsCancellationRequested)
        {
            var answer = await speaker.PublishAsync($"users/{listening.User}", $"from {speaking.User} to {listening.User}");
            // A test's limits hold for them, too.
            Assert.True(answer.Accepted || answer.ReasonCode == QuotaExceeded, $"Node 1 says to who talks there: {answer.ReasonCode:X2} {answer.ReasonString}");
            _ = listener.AlreadyHere();
            await Task.WhenAny(Task.Delay(_pause, stop));
        }
    }

    /// <summary>Null: guests may not come in.</summary>
    private async Task<(string Cookie, string User)?> EnterAsync(string nickname, CancellationToken stop)
    {
        using HttpClient http = new() { BaseAddress = Node.Address };
        using var answer = await http.PostAsJsonAsync("/api/session/guest", new { nickname }, stop);
        if (!answer.IsSuccessStatusCode)
        {
            return null;
        }

        var session = await answer.Content.ReadFromJsonAsync<JsonElement>(stop);
        return (answer.Headers.GetValues("Set-Cookie").First().Split(';')[0], session.GetProperty("user").GetString()!);
    }
}
