using System.Diagnostics;
using System.Globalization;
using WebMessenger.Load.Chat;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// Guests who have never been here come all at once:
/// from the request that makes the account to the PUBACK of the first message, so many at a time.
/// </summary>
internal sealed class EntriesScenario : IScenario
{
    private readonly int _guests;
    private readonly int _callers;

    private EntriesScenario(Arguments arguments) =>
        (_guests, _callers) = (arguments.Number("guests", 1, 1_000_000), arguments.Number("callers", 1, 1_000));

    public static ScenarioKind Kind { get; } = new(
        "entries",
        "first entries of guests: from the request that makes the account to the PUBACK of the first message",
        [
            new("guests", "10000", "how many come"),
            new("callers", "64", "how many of them at a time"),
        ],
        arguments => new EntriesScenario(arguments),
        IsComparable: false);

    public string Title => string.Create(CultureInfo.InvariantCulture, $"{_guests} guests enter for the first time, {_callers} at a time, and say something");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"entries-{_guests}-{_callers}");

    public string Promise => "every guest's first message was acknowledged.";

    public Preparation Preparation { get; } = new(Accounts: 1, Rooms: 1);

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using Browser browser = new(server);
        var door = server.Door(Transport.WebSocket);
        var room = RoomTopic.IdOf(0);
        var next = -1;
        Histogram times = new();
        List<string> problems = [];
        Lock gate = new();
        var begin = Reading.Now(server);
        await Task.WhenAll(Enumerable.Range(0, _callers).Select(_ => Task.Run(CallAsync, cancellation)));
        var passed = Reading.Now(server) - begin;
        List<Figure> figures =
        [
            new("first entries", "/s", times.Count / passed.Time.TotalSeconds),
            new("from the request to the PUBACK, p50", "ms", times.Microseconds(0.5) / 1_000),
            new("… p99", "ms", times.Microseconds(0.99) / 1_000),
            new("server CPU an entry", "ms", passed.Server.TotalMilliseconds / times.Count),
        ];
        return new Outcome(figures, problems);

        async Task CallAsync()
        {
            while (Interlocked.Increment(ref next) is var guest && guest < _guests)
            {
                var at = Stopwatch.GetTimestamp();
                try
                {
                    await FirstEntry.RunAsync(door, browser, string.Create(CultureInfo.InvariantCulture, $"Guest {guest}"), room, cancellation);
                }
                catch (Exception error) when (error is LoadException or IOException or TimeoutException or HttpRequestException)
                {
                    lock (gate)
                    {
                        problems.Add(string.Create(CultureInfo.InvariantCulture, $"Guest {guest}: {error.Message}"));
                    }

                    return;
                }

                lock (gate)
                {
                    times.Record(Stopwatch.GetTimestamp() - at);
                }
            }
        }
    }
}
