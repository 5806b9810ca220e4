using System.Diagnostics;
using System.Net;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.BigData;

/// <summary>
/// What people notice of how much data there is: how long a start takes, what the server holds in memory, signing in, connecting, joining.
/// </summary>
/// <param name="size">Of the data that the server runs on.</param>
/// <param name="times">
/// How often people connect and join, one after the other. A tenth of it they sign in by password, which is slow on purpose.
/// </param>
internal sealed class BigDataProbe(BigDataSize size, int times)
{
    public const string Ready = "start until ready", Memory = "resident memory";
    public const string SignIn = "sign-in by password, p99", Join = "joining a room, p99";

    public async Task<Outcome> RunAsync(Func<Task<ServerUnderTest>> startAsync, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        var server = await startAsync();
        await using var process = server.Process;
        List<Figure> figures =
        [
            new(Ready, "s", watch.Elapsed.TotalSeconds),
            new("CPU of the start", "s", process.Cpu.TotalSeconds),
            new(Memory, "MB", process.ResidentBytes / 1e6),
        ];
        using Browser browser = new(server);
        Task SignInAsync(int account) => browser.SignInAsync(BigDataSize.UserName(account), cancellation);
        await MeasureAsync(figures, "sign-in by password", Math.Max(1, times / 10), SignInAsync);
        await MeasureAsync(figures, "CONNECT by token", times, async account =>
            (await RawClient.OpenAsync(server.Door(Transport.Tcp), null, BigDataSize.Login(account), "probe", 0, cancellation)).Dispose());
        await JoinAndLeaveAsync(figures, server, cancellation);
        figures.Add(new("resident memory after", "MB", process.ResidentBytes / 1e6));
        return new Outcome(figures, await server.StopAsync() ? [] : [$"the server did not end in order: {process.LastWords}"]);
    }

    private async Task JoinAndLeaveAsync(List<Figure> figures, ServerUnderTest server, CancellationToken cancellation)
    {
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false, UseProxy = false });
        http.BaseAddress = new Uri($"http://{server.WebSocket}");
        Task AskAsync(HttpMethod method, int account) => MemberAsync(http, method, account, cancellation);
        await MeasureAsync(figures, "joining a room", times, account => AskAsync(HttpMethod.Put, account));
        await MeasureAsync(figures, "leaving it", times, account => AskAsync(HttpMethod.Delete, account));
    }

    private async Task MemberAsync(HttpClient http, HttpMethod method, int account, CancellationToken cancellation)
    {
        var path = $"/api/rooms/{BigDataSize.RoomId(size.OtherRoom(account))}/members/{BigDataSize.UserName(account)}";
        using HttpRequestMessage ask = new(method, path);
        ask.Headers.Add("Authorization", $"Bearer {BigDataSize.Login(account).Secret}");
        using var answer = await http.SendAsync(ask, cancellation);
        if (answer.StatusCode != HttpStatusCode.NoContent)
        {
            throw new LoadException($"{method} {path} was answered with {(int)answer.StatusCode}.");
        }
    }

    // Other people each time, from all over the data: what is asked for first is part of what it costs.
    private async Task MeasureAsync(List<Figure> figures, string name, int count, Func<int, Task> work)
    {
        Histogram spent = new();
        var step = Math.Max(1, size.Accounts / count);
        for (var i = 0; i < count; i++)
        {
            var at = Stopwatch.GetTimestamp();
            await work(i * step % size.Accounts);
            spent.Record(Stopwatch.GetTimestamp() - at);
        }

        figures.Add(new($"{name}, p50", "ms", spent.Microseconds(0.5) / 1000));
        figures.Add(new($"{name}, p99", "ms", spent.Microseconds(0.99) / 1000));
    }
}
