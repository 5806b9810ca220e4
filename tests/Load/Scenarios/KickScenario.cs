using System.Diagnostics;
using System.Globalization;
using System.Net;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// Log-outs of a browser with many tabs, of which some have stopped reading: how long until the answer, and until the last byte at any tab.
/// </summary>
internal sealed class KickScenario : IScenario
{
    private const int WarmUpLogouts = 5;

    // Signed in as each of them; the password is the seed's.
    private const int Speaker = 1, Witness = 2, Accounts = 3;

    private readonly int _logouts;
    private readonly int _clients;
    private readonly int _stalled;

    private KickScenario(Arguments arguments)
    {
        (_logouts, _clients) = (arguments.Number("logouts", 1, 100_000), arguments.Number("clients", 1, 200));
        _stalled = arguments.Number("stalled", 0, _clients);
    }

    public static ScenarioKind Kind { get; } = new(
        "kick",
        "log-outs of a browser with many tabs: time to the answer and to silence",
        [
            new("logouts", "1000", "how many"),
            new("clients", "20", "tabs of each"),
            new("stalled", "2", "tabs among them that have stopped reading, with data waiting for them"),
        ],
        arguments => new KickScenario(arguments),
        IsComparable: false);

    public string Title => string.Create(CultureInfo.InvariantCulture,
        $"{_logouts} log-outs of {_clients} WebSocket clients each, {_stalled} of them stalled, while a room is talking");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"kick-{_logouts}-{_clients}-{_stalled}");

    public string Promise => "silence within 50 ms (p99) and 250 ms (all), and no message after the answer.";

    public Preparation Preparation => new(Accounts, Rooms: 2);

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using var speaker = await RawClient.OpenAsync(server.Door(Transport.Tcp), null, server.Login(Speaker), "speaker", 0, cancellation);
        await Stalling.FillAsync(speaker, RoomTopic.Of(1));

        using var witness = await RawClient.OpenAsync(server.Door(Transport.Tcp), null, server.Login(Witness), "witness", 0, cancellation);
        await witness.SubscribeAsync(RoomTopic.Of(0));
        using SyncProbe disk = new(server.Folder);
        Histogram answers = new(), silences = new();
        var after = 0;
        for (var i = -WarmUpLogouts; i < _logouts; i++)
        {
            var (answer, silence, heard) = await LogOutAsync(server, speaker, witness, i, cancellation);
            if (i < 0)
            {
                continue;
            }

            disk.Run(1);
            answers.Record(answer);
            silences.Record(silence);
            after += heard;
        }

        List<string> problems = [];
        if (after > 0)
        {
            problems.Add(string.Create(CultureInfo.InvariantCulture, $"{after} clients heard something after the answer"));
        }

        if (silences.Microseconds(0.99) > 50_000 || silences.Microseconds(1) > 250_000)
        {
            problems.Add("silence took longer than 50 ms (p99) or 250 ms (max)");
        }

        // The answer is not judged by its time: it comes when the log-out is on disk, whatever disk this is.
        return new Outcome([.. Figures("answer", answers), .. Figures("last byte", silences), .. Figures("one sync of this disk", disk.Times), new("messages after the answer", "", after)], problems);
    }

    private static IEnumerable<Figure> Figures(string name, Histogram times) =>
    [
        new(name + ", p50", "ms", times.Microseconds(0.5) / 1000), new(name + ", p99", "ms", times.Microseconds(0.99) / 1000), new(name + ", max", "ms", times.Microseconds(1) / 1000),
    ];

    private async Task<(long Answer, long Silence, int HeardAfter)> LogOutAsync(
        ServerUnderTest server, RawClient speaker, RawClient witness, int number, CancellationToken cancellation)
    {
        using Browser browser = new(server);
        var cookie = await browser.SignInAsync(server.Login(0)!.UserName, cancellation);
        var tabs = await Task.WhenAll(Enumerable.Range(0, _clients).Select(i => RawClient.OpenAsync(
            server.Door(Transport.WebSocket), cookie, null, string.Create(CultureInfo.InvariantCulture, $"tab-{number}-{i}"), i < _stalled ? 4096 : 0, cancellation)));
        try
        {
            var (stalled, reading) = (tabs[.._stalled], tabs[_stalled..]);
            await Task.WhenAll(reading.Select(tab => tab.SubscribeAsync(RoomTopic.Of(0))));
            await Task.WhenAll(stalled.Select(tab => Stalling.StallAsync(tab, RoomTopic.Of(1))));
            var before = string.Create(CultureInfo.InvariantCulture, $"before {number}.");
            await speaker.PublishAsync(RoomTopic.Of(0), before);
            await Task.WhenAll(reading.Select(tab => tab.HearsAsync(before)));

            using CancellationTokenSource enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            var talking = TalkAsync(speaker, enough.Token);
            var begin = Stopwatch.GetTimestamp();
            var status = await browser.LogOutAsync(cookie, cancellation);
            var answered = Stopwatch.GetTimestamp();
            await enough.CancelAsync();
            await talking;
            if (status != HttpStatusCode.NoContent)
            {
                throw new LoadException($"A log-out was answered with {(int)status}.");
            }

            var after = string.Create(CultureInfo.InvariantCulture, $"after {number}.");
            await speaker.PublishAsync(RoomTopic.Of(0), after);
            await witness.HearsAsync(after);
            var last = reading.Length == 0 ? answered : 0;
            foreach (var tab in reading)
            {
                await tab.ClosedAsync();
                last = Math.Max(last, tab.LastByteAt);
            }

            // What these read now had come before; only what was said after would be too much.
            foreach (var tab in stalled)
            {
                tab.ResumeReading();
                await tab.ClosedAsync();
            }

            var heard = await Task.WhenAll(tabs.Select(tab => tab.HearsAsync(after)));
            return (answered - begin, last - begin, heard.Count(didHear => didHear));
        }
        finally
        {
            foreach (var tab in tabs)
            {
                tab.Dispose();
            }
        }
    }

    /// <summary>One message after the other, so that something is always on its way.</summary>
    private static async Task TalkAsync(RawClient speaker, CancellationToken enough)
    {
        while (!enough.IsCancellationRequested)
        {
            await speaker.PublishAsync(RoomTopic.Of(0), "talking");
        }
    }
}
