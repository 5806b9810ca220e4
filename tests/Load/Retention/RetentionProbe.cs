using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using WebMessenger.Load.BigData;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Scenarios;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Retention;

/// <summary>
/// Members of a room talk at a steady rate. By turns nothing else happens, and the beginning of another room goes until its rules are kept
/// and the disk has its space back.
/// </summary>
internal sealed class RetentionProbe(int turns, int kept, int members, int rate, TimeSpan quiet)
{
    private const int TextLength = 100;

    // Bytes by which the disk grows and shrinks while people talk.
    private const int Still = 8_000_000;
    private const string Without = "without", With = "with a removal";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(15), s_still = TimeSpan.FromSeconds(8), s_warmUp = TimeSpan.FromSeconds(5);

    // What was said meanwhile stays.
    private long _said;
    private (long Events, long All) _left;

    /// <summary>
    /// After <see cref="RunAsync"/>: what that left on the disk, to what a folder takes that never had more than what is kept.
    /// </summary>
    public async Task<IReadOnlyList<Figure>> CompareAsync(ServerUnderTest server, string folder, CancellationToken cancellation)
    {
        await using var process = server.Process;
        using var http = Http(server);
        await BuiltAsync(http, cancellation);
        using (Swarm swarm = new(server.Door(Transport.Tcp), MqttVersion.V5, 1))
        {
            await swarm.OpenAsync([0], [[0]], 64, TextLength, i => server.Login(i % 100), cancellation);
            swarm.Publish(_said);
            await swarm.QuietAsync(cancellation);
        }

        await StopAsync(server);
        return
        [
            new("events on the disk, of what is kept", "×", (double)_left.Events / Bytes(Path.Combine(folder, "rooms"))),
            new("all on the disk, of what is kept", "×", (double)_left.All / Bytes(folder)),
        ];
    }

    public async Task<Outcome> RunAsync(ServerUnderTest server, string folder, CancellationToken cancellation)
    {
        await using var process = server.Process;
        using var http = Http(server);
        await BuiltAsync(http, cancellation);
        List<string> problems = [];
        List<Figure> figures = [];
        var before = (Events: Bytes(Path.Combine(folder, "rooms")), All: Bytes(folder));
        using (Swarm swarm = new(server.Door(Transport.Tcp), MqttVersion.V5, 1))
        {
            await swarm.OpenAsync([.. Enumerable.Repeat(0, members)], [[0]], 64, TextLength, i => server.Login(i % 100), cancellation);
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var publishing = swarm.PublishAtRateAsync(rate, enough.Token);
            await swarm.GoOnAsync(s_warmUp, cancellation);
            await TakeTurnsAsync(swarm, http, folder, figures, cancellation);
            await enough.CancelAsync();
            await publishing;
            swarm.Stop();
            await swarm.QuietAsync(cancellation);
            problems.AddRange(await swarm.VerifyAsync(cancellation));
            _said = swarm.Acknowledged;
        }

        problems.AddRange(await WrongAsync(http, cancellation));
        await StopAsync(server);
        _left = (Bytes(Path.Combine(folder, "rooms")), Bytes(folder));
        figures.Add(new("events on the disk, before", "MB", before.Events / 1e6));
        figures.Add(new("events on the disk, after", "MB", _left.Events / 1e6));
        figures.Add(new("all on the disk, before", "MB", before.All / 1e6));
        figures.Add(new("all on the disk, after", "MB", _left.All / 1e6));
        return new Outcome(figures, problems);
    }

    private async Task TakeTurnsAsync(Swarm swarm, HttpClient http, string folder, List<Figure> figures, CancellationToken cancellation)
    {
        Histogram without = new(), with = new();
        List<double> seconds = [];
        for (var turn = 0; turn < turns; turn++)
        {
            await MeasureAsync(swarm, without, () => swarm.GoOnAsync(quiet, cancellation));
            var watch = Stopwatch.StartNew();
            await MeasureAsync(swarm, with, () => RemoveAsync(http, turn, folder, cancellation));
            seconds.Add(watch.Elapsed.TotalSeconds);
            await swarm.GoOnAsync(s_warmUp, cancellation);
            await MeasureAsync(swarm, without, () => swarm.GoOnAsync(quiet, cancellation));
        }

        foreach (var (part, name) in new[] { (0.5, "p50"), (0.99, "p99"), (1.0, "longest") })
        {
            figures.Add(new($"end to end, {name}, {Without}", "ms", without.Microseconds(part) / 1000));
            figures.Add(new($"end to end, {name}, {With}", "ms", with.Microseconds(part) / 1000));
        }

        figures.Add(new("p99, with to without", "×", with.Microseconds(0.99) / without.Microseconds(0.99)));
        figures.Add(new("a removal, until the disk is still", "s", Figure.Median(seconds)));
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

    // Until the beginning is gone, and the files have not changed in size for a while.
    private async Task RemoveAsync(HttpClient http, int room, string folder, CancellationToken cancellation)
    {
        var uri = new Uri($"/api/rooms/{BigDataSize.RoomId(room)}/events", UriKind.Relative);
        using (var answer = await http.PostAsJsonAsync(uri, new { type = "policy", retention = new { messages = kept } }, cancellation))
        {
            if (answer.StatusCode is not HttpStatusCode.Created)
            {
                throw new LoadException($"The rules were answered with {(int)answer.StatusCode}: {await answer.Content.ReadAsStringAsync(cancellation)}");
            }
        }

        var begun = Stopwatch.StartNew();
        var still = Stopwatch.StartNew();
        for (var (size, isGone) = (0L, false); !isGone || still.Elapsed < s_still;)
        {
            if (begun.Elapsed > s_patience)
            {
                throw new LoadException($"The removal was not done in {s_patience.TotalMinutes:F0} minutes.");
            }

            await Task.Delay(500, cancellation);
            isGone = isGone || await CountAsync(http, room, cancellation) is var (first, head) && head - first <= kept;
            if (Bytes(folder) is var now && Math.Abs(now - size) > Still)
            {
                size = now;
                still.Restart();
            }
        }
    }

    // The rooms that were shortened have what is kept of them, without a hole, and nothing else.
    private async Task<List<string>> WrongAsync(HttpClient http, CancellationToken cancellation)
    {
        List<string> wrong = [];
        for (var room = 0; room < turns; room++)
        {
            var (first, head) = await CountAsync(http, room, cancellation);

            // The event of the rules is beyond the messages.
            if (head - first != kept)
            {
                wrong.Add(string.Create(CultureInfo.InvariantCulture, $"Room {room} has its events {first} to {head}."));
            }
        }

        return wrong;
    }

    private static async Task<(long First, long Head)> CountAsync(HttpClient http, int room, CancellationToken cancellation)
    {
        var page = await http.GetFromJsonAsync<JsonElement>(new Uri($"/api/rooms/{BigDataSize.RoomId(room)}/events?limit=1", UriKind.Relative), cancellation);
        return (page.GetProperty("first").GetInt64(), page.GetProperty("head").GetInt64());
    }

    private static async Task BuiltAsync(HttpClient http, CancellationToken cancellation)
    {
        for (var begun = Stopwatch.StartNew(); (await http.GetFromJsonAsync<JsonElement>(new Uri("/api/search?q=a", UriKind.Relative), cancellation)).TryGetProperty("building", out _);)
        {
            if (begun.Elapsed > s_patience)
            {
                throw new LoadException("The search index was not made in time.");
            }

            await Task.Delay(200, cancellation);
        }
    }

    private static HttpClient Http(ServerUnderTest server)
    {
        HttpClient http = new(new SocketsHttpHandler { UseCookies = false, UseProxy = false }) { BaseAddress = new Uri($"http://{server.WebSocket}") };
        http.DefaultRequestHeaders.Authorization = new("Bearer", BigDataSize.Login(0).Secret);
        return http;
    }

    private static async Task StopAsync(ServerUnderTest server)
    {
        if (!await server.StopAsync())
        {
            throw new LoadException($"The server did not end in order: {server.Process.LastWords}");
        }
    }

    private static long Bytes(string folder)
    {
        var bytes = 0L;
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories))
        {
            try
            {
                bytes += file.Length;
            }
            catch (FileNotFoundException)
            {
                // It has gone meanwhile.
            }
        }

        return bytes;
    }
}
