using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using WebMessenger.Load.BigData;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Search;

/// <summary>Has a server make its search index, searches it, and looks how soon something new is found.</summary>
internal sealed class SearchProbe(BigDataSize size, string folder, int queries)
{
    public const string Rate = "messages indexed", Ratio = "index / text", Query = "search", Fresh = "until found";

    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(30);

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        await using var process = server.Process;
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false, UseProxy = false });
        http.BaseAddress = new Uri($"http://{server.WebSocket}");
        http.DefaultRequestHeaders.Authorization = new("Bearer", BigDataSize.Login(0).Secret);
        List<Figure> figures = [];
        await BuildAsync(figures, http, cancellation);
        figures.Add(new(Ratio, "×", (double)Directory.EnumerateFiles(Path.Combine(folder, "search")).Sum(file => new FileInfo(file).Length) / TextBytes()));
        Random random = new(7);
        foreach (var (kind, make) in Kinds(random))
        {
            await MeasureAsync(figures, http, kind, make, cancellation);
        }

        await FindNewAsync(figures, server, http, cancellation);
        figures.Add(new("resident memory after", "MB", process.ResidentBytes / 1e6));
        return new Outcome(figures, await server.StopAsync() ? [] : [$"the server did not end in order: {process.LastWords}"]);
    }

    // A server that starts without an index makes it at once.
    private async Task BuildAsync(List<Figure> figures, HttpClient http, CancellationToken cancellation)
    {
        var watch = Stopwatch.StartNew();
        while ((await SearchAsync(http, "q=a", cancellation)).TryGetProperty("building", out _))
        {
            if (watch.Elapsed > s_patience)
            {
                throw new LoadException("The index was not made in half an hour.");
            }

            await Task.Delay(50, cancellation);
        }

        figures.Add(new(Rate, "1/s", size.Events / watch.Elapsed.TotalSeconds));
    }

    // As often and as seldom as they are said, unless they say which.
    private static IEnumerable<(string Kind, Func<string> Make)> Kinds(Random random)
    {
        string Words(int count) => Uri.EscapeDataString(string.Join(' ', Enumerable.Range(0, count).Select(_ => SpokenText.Word(random))));
        yield return ("one word", () => $"q={Words(1)}");
        yield return ("one rare word", () => $"q={SpokenText.Rare(random)}");
        yield return ("one common word", () => $"q={SpokenText.Common(random)}");
        yield return ("two words", () => $"q={Words(2)}");
        yield return ("a phrase", () => $"q=%22{Words(2)}%22");
        yield return ("two letters of a word", () => $"q={SpokenText.Word(random)[..2]}");
        yield return ("one word of somebody", () => $"q=from%3A{BigDataSize.UserName(3)}+{Words(1)}");
        yield return ("one word in one room", () => $"q={Words(1)}&room={BigDataSize.RoomId(0)}");
        yield return ("one word, best first", () => $"q={Words(1)}&order=best");
        yield return ("one common word, best first", () => $"q={SpokenText.Common(random)}&order=best");
    }

    private async Task MeasureAsync(List<Figure> figures, HttpClient http, string kind, Func<string> make, CancellationToken cancellation)
    {
        Histogram spent = new();
        var cut = 0;
        for (var i = 0; i < queries; i++)
        {
            var query = make();
            var at = Stopwatch.GetTimestamp();
            var answer = await SearchAsync(http, query, cancellation);
            spent.Record(Stopwatch.GetTimestamp() - at);
            cut += answer.TryGetProperty("partial", out _) ? 1 : 0;
        }

        if (cut > 0)
        {
            figures.Add(new($"{Query}: {kind}, cut off after half a second", "", cut));
        }

        figures.Add(new($"{Query}: {kind}, p50", "ms", spent.Microseconds(0.5) / 1000));
        figures.Add(new($"{Query}: {kind}, p99", "ms", spent.Microseconds(0.99) / 1000));
    }

    private static async Task FindNewAsync(List<Figure> figures, ServerUnderTest server, HttpClient http, CancellationToken cancellation)
    {
        await using var client = await RawMqttClient.OverTcpAsync(server.Mqtt);
        var login = BigDataSize.Login(0);
        await client.ConnectAsync(login.UserName, login.Secret);
        Histogram spent = new();
        for (var i = 0; i < 20; i++)
        {
            var word = string.Create(CultureInfo.InvariantCulture, $"fresh{i}x{Environment.ProcessId}");
            await client.PublishAsync($"rooms/{BigDataSize.RoomId(0)}", word);
            var at = Stopwatch.GetTimestamp();
            while ((await SearchAsync(http, "q=" + word, cancellation)).GetProperty("hits").GetArrayLength() == 0)
            {
                await Task.Delay(20, cancellation);
            }

            spent.Record(Stopwatch.GetTimestamp() - at);
        }

        figures.Add(new($"{Fresh}, p50", "ms", spent.Microseconds(0.5) / 1000));
        figures.Add(new($"{Fresh}, longest", "ms", spent.Microseconds(1) / 1000));
    }

    private static async Task<JsonElement> SearchAsync(HttpClient http, string query, CancellationToken cancellation)
    {
        using var answer = await http.GetAsync(new Uri("/api/search?" + query, UriKind.Relative), cancellation);
        var text = await answer.Content.ReadAsStringAsync(cancellation);
        return answer.IsSuccessStatusCode ? JsonDocument.Parse(text).RootElement : throw new LoadException($"{query} was answered with {(int)answer.StatusCode}: {text}");
    }

    private long TextBytes()
    {
        var bytes = 0L;
        for (var number = 0L; number < size.Events; number++)
        {
            bytes += Encoding.UTF8.GetByteCount(SpokenText.Of(number));
        }

        return bytes;
    }
}
