using System.Diagnostics;
using System.Net;
using System.Net.Http.Json;
using WebMessenger.Load.BigData;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Archives;

/// <summary>Members of a room talk at a steady rate. By turns nothing else happens, and another room is written into a file.</summary>
internal sealed class ExportProbe(int turns, int members, int rate, TimeSpan quiet)
{
    private const int TextLength = 100;
    private const string Without = "without", With = "with an export";

    private static readonly TimeSpan s_warmUp = TimeSpan.FromSeconds(5);

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        await using var process = server.Process;
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false, UseProxy = false }) { BaseAddress = new Uri($"http://{server.WebSocket}"), Timeout = Timeout.InfiniteTimeSpan };
        http.DefaultRequestHeaders.Authorization = new("Bearer", BigDataSize.Login(0).Secret);
        await TakeOverAsync(http, cancellation);
        List<string> problems = [];
        List<Figure> figures = [];
        using (Swarm swarm = new(server.Door(Transport.Tcp), MqttVersion.V5, 1))
        {
            await swarm.OpenAsync([.. Enumerable.Repeat(0, members)], [[0]], 64, TextLength, i => server.Login(i % 100), cancellation);
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var publishing = swarm.PublishAtRateAsync(rate, enough.Token);
            await swarm.GoOnAsync(s_warmUp, cancellation);
            await TakeTurnsAsync(swarm, process, http, figures, cancellation);
            await enough.CancelAsync();
            await publishing;
            swarm.Stop();
            await swarm.QuietAsync(cancellation);
            problems.AddRange(await swarm.VerifyAsync(cancellation));
        }

        if (!await server.StopAsync())
        {
            throw new LoadException($"The server did not end in order: {process.LastWords}");
        }

        return new Outcome(figures, problems);
    }

    private async Task TakeTurnsAsync(Swarm swarm, ChildProcess process, HttpClient http, List<Figure> figures, CancellationToken cancellation)
    {
        Histogram without = new(), with = new();
        List<double> seconds = [];
        var (bytes, before, peak) = (0L, 0L, 0L);
        for (var turn = 0; turn < turns; turn++)
        {
            await MeasureAsync(swarm, without, () => swarm.GoOnAsync(quiet, cancellation));
            before = Math.Max(before, process.ResidentBytes);
            var watch = Stopwatch.StartNew();
            await MeasureAsync(swarm, with, async () => bytes = await ExportAsync(http, () => peak = Math.Max(peak, process.ResidentBytes), cancellation));
            seconds.Add(watch.Elapsed.TotalSeconds);
            await swarm.GoOnAsync(s_warmUp, cancellation);
        }

        foreach (var (part, name) in new[] { (0.5, "p50"), (0.99, "p99"), (1.0, "longest") })
        {
            figures.Add(new($"end to end, {name}, {Without}", "ms", without.Microseconds(part) / 1000));
            figures.Add(new($"end to end, {name}, {With}", "ms", with.Microseconds(part) / 1000));
        }

        figures.Add(new("p99, with to without", "×", with.Microseconds(0.99) / without.Microseconds(0.99)));
        figures.Add(new("an export", "s", Figure.Median(seconds)));
        figures.Add(new("its file", "MB", bytes / 1e6));
        figures.Add(new("memory, before", "MB", before / 1e6));
        figures.Add(new("memory, at most meanwhile", "MB", peak / 1e6));
    }

    private static async Task MeasureAsync(Swarm swarm, Histogram times, Func<Task> turn)
    {
        lock (swarm.Gate)
        {
            swarm.EndToEnd.Clear();
        }

        await turn();
        lock (swarm.Gate)
        {
            times.Add(swarm.EndToEnd);
        }
    }

    private static async Task<long> ExportAsync(HttpClient http, Action looked, CancellationToken cancellation)
    {
        var uri = new Uri($"/api/rooms/{BigDataSize.RoomId(0)}/export", UriKind.Relative);
        using var answer = await http.GetAsync(uri, HttpCompletionOption.ResponseHeadersRead, cancellation);
        if (answer.StatusCode is not HttpStatusCode.OK)
        {
            throw new LoadException($"The export was answered with {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellation)}");
        }

        await using var file = await answer.Content.ReadAsStreamAsync(cancellation);
        var (bytes, piece) = (0L, new byte[1 << 18]);
        while (await file.ReadAsync(piece, cancellation) is > 0 and var length)
        {
            bytes += length;
            looked();
        }

        return bytes;
    }

    // The rooms of a folder that was filled are nobody's; the first account is an administrator.
    private static async Task TakeOverAsync(HttpClient http, CancellationToken cancellation)
    {
        using (var joined = await http.PutAsync(new Uri($"/api/rooms/{BigDataSize.RoomId(0)}/members/me", UriKind.Relative), null, cancellation))
        {
            joined.EnsureSuccessStatusCode();
        }

        var uri = new Uri($"/api/rooms/{BigDataSize.RoomId(0)}/events", UriKind.Relative);
        using var answer = await http.PostAsJsonAsync(uri, new { type = "role", user = BigDataSize.UserName(0), role = "owner" }, cancellation);
        if (!answer.IsSuccessStatusCode)
        {
            throw new LoadException($"The room was not given: {await answer.Content.ReadAsStringAsync(cancellation)}");
        }
    }
}
