using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// Somebody with several clients is kicked out of a busy room again and again, over HTTP and MQTT by turns: how long until the answer, and
/// until the last byte of the room at any of the clients.
/// </summary>
internal sealed class RemovalScenario : IScenario
{
    private const int KicksOfATurn = 20, WarmUpKicks = 4, Window = 16, TextLength = 100;

    // Signed in as each of them; the moderator is the server's administrator. The others share the rest.
    private const int Moderator = 0, Target = 1, Witness = 2, Accounts = 100;

    // The room of all, and one with a history for those that stall.
    private const int Busy = 0, Long = 1;

    private readonly int _kicks;
    private readonly int _members;
    private readonly int _rate;
    private readonly int _clients;
    private readonly int _stalled;

    private RemovalScenario(Arguments arguments)
    {
        (_kicks, _members, _rate) = (arguments.Number("kicks", 1, 100_000), arguments.Number("members", 1, 10_000), arguments.Number("rate", 1, 100_000));
        (_clients, _stalled) = (arguments.Number("clients", 1, 200), arguments.Number("stalled", 0, 200));
    }

    public static ScenarioKind Kind { get; } = new(
        "remove",
        "kicks out of a busy room, over HTTP and MQTT by turns: time to the answer and to silence",
        [
            new("kicks", "400", "how many"),
            new("members", "1000", "members of the room, half over TCP and half over WebSocket"),
            new("rate", "100", "messages a second in the room"),
            new("clients", "4", "clients of who is kicked that read, half over TCP and half over WebSocket"),
            new("stalled", "2", "further ones that have stopped reading, with data waiting for them"),
        ],
        arguments => new RemovalScenario(arguments),
        IsComparable: false);

    public string Title => string.Create(CultureInfo.InvariantCulture,
        $"{_kicks} kicks of somebody with {_clients} clients and {_stalled} stalled ones, out of a room of {_members} with {_rate} messages a second");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"remove-{_kicks}-{_members}-{_rate}ps");

    public string Promise => "silence within 50 ms (p99), and no message after the answer; every other member heard every message once.";

    public Preparation Preparation { get; } = new(Accounts, Rooms: 2);

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using Browser browser = new(server);
        var cookie = await browser.SignInAsync(server.Login(Moderator)!.UserName, cancellation);
        var tabs = await browser.SignInAsync(server.Login(Target)!.UserName, cancellation);
        using var moderator = await RawClient.OpenAsync(server.Door(Transport.WebSocket), cookie, null, "moderator", 0, cancellation);
        using var witness = await RawClient.OpenAsync(server.Door(Transport.Tcp), null, server.Login(Witness), "witness", 0, cancellation);
        await witness.SubscribeAsync(RoomTopic.Of(Busy));
        if (_stalled > 0)
        {
            await Stalling.FillAsync(witness, RoomTopic.Of(Long));
        }

        using Swarm swarm = new(server.Door(Transport.Tcp), MqttVersion.V5, rooms: 1)
        {
            Doors = number => server.Door(number % 2 == 0 ? Transport.Tcp : Transport.WebSocket),
        };
        await swarm.OpenAsync(
            [.. Enumerable.Repeat(Busy, _members)], [.. Enumerable.Repeat(new[] { Busy }, 8)], Window, TextLength,
            number => server.Login(Witness + (number % (Accounts - Witness))), cancellation);
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var publishing = swarm.PublishAtRateAsync(_rate, enough.Token);
        using Kicks kicks = new(server, browser, cookie, moderator, witness);
        Meter meter = new(server, swarm);
        for (var done = -WarmUpKicks; done < _kicks;)
        {
            if (done == 0)
            {
                kicks.Forget();
                meter.Begin();
            }

            var turn = done < 0 ? WarmUpKicks : Math.Min(KicksOfATurn, _kicks - done);
            await TurnAsync(server, kicks, tabs, turn, cancellation);
            done += turn;
        }

        var figures = meter.End();
        await enough.CancelAsync();
        await publishing;
        swarm.Stop();
        await swarm.QuietAsync(cancellation);
        return new Outcome([.. kicks.Figures(), .. figures], [.. kicks.Problems(), .. await swarm.VerifyAsync(cancellation)]);
    }

    // The stalled are new in each turn: the server ends those that have taken nothing for a minute.
    private async Task TurnAsync(ServerUnderTest server, Kicks kicks, string cookie, int turn, CancellationToken cancellation)
    {
        List<RawClient> reading = [], stalled = [];
        try
        {
            for (var number = 0; number < _clients + _stalled; number++)
            {
                var (isTab, isStalled) = (number % 2 == 1, number >= _clients);
                var client = await RawClient.OpenAsync(
                    server.Door(isTab ? Transport.WebSocket : Transport.Tcp), isTab ? cookie : null, isTab ? null : server.Login(Target),
                    string.Create(CultureInfo.InvariantCulture, $"client-{number}"), isStalled ? 4096 : 0, cancellation);
                (isStalled ? stalled : reading).Add(client);
                await client.SubscribeAsync(RoomTopic.Of(Busy));
                if (isStalled)
                {
                    await Stalling.StallAsync(client, RoomTopic.Of(Long));
                }
            }

            for (var kick = 0; kick < turn; kick++)
            {
                await kicks.RunAsync(reading, cancellation);
            }

            foreach (var client in stalled)
            {
                client.ResumeReading();
                await client.PingAsync();
                kicks.Look(client);
            }
        }
        finally
        {
            reading.ForEach(client => client.Dispose());
            stalled.ForEach(client => client.Dispose());
        }
    }

    /// <summary>The kicks of a run, and what was measured of them.</summary>
    private sealed class Kicks(ServerUnderTest server, Browser browser, string cookie, RawClient moderator, RawClient witness) : IDisposable
    {
        private const double SilenceAllowed = 50_000;

        private readonly string _user = server.Login(Target)!.UserName;
        private readonly Histogram _overHttp = new();
        private readonly Histogram _overMqtt = new();
        private readonly Histogram _silences = new();
        private readonly SyncProbe _disk = new(server.Folder);

        // The numbers of the first and the last that were said between the answer and his coming in again: those are for others.
        private readonly List<(long First, long Last)> _outside = [];
        private int _number;
        private int _heardAfter;

        public void Forget()
        {
            _overHttp.Clear();
            _overMqtt.Clear();
            _silences.Clear();
            _disk.Times.Clear();
        }

        public async Task RunAsync(List<RawClient> reading, CancellationToken cancellation)
        {
            // Each hears the room, also after the kick before.
            await reading[0].SubscribeAsync(RoomTopic.Of(Busy));
            foreach (var client in reading)
            {
                client.TakeAll();
                await client.HearsAsync("~load:");
            }

            var (room, isHttp) = (RoomTopic.IdOf(Busy), ++_number % 2 == 0);
            var begin = Stopwatch.GetTimestamp();
            if (isHttp)
            {
                await browser.ModerateAsync(cookie, room, "kick", _user, cancellation);
            }
            else
            {
                await moderator.PublishAsync(RoomTopic.Of(Busy), $$"""{"type":"kick","user":"{{_user}}"}""");
            }

            var answered = Stopwatch.GetTimestamp();
            await witness.PublishAsync(RoomTopic.Of(Busy), Marker("after"));
            var first = SeqOf(await witness.NextWithAsync(Marker("after")));
            var last = begin;
            foreach (var client in reading)
            {
                await client.PingAsync();
                last = Math.Max(last, client.LastPublishAt);
            }

            // A kick keeps him out for a minute; a ban that is lifted leaves nothing of it.
            await browser.ModerateAsync(cookie, room, "ban", _user, cancellation);
            await browser.ModerateAsync(cookie, room, "unban", _user, cancellation);
            await witness.PublishAsync(RoomTopic.Of(Busy), Marker("until"));
            _outside.Add((first, SeqOf(await witness.NextWithAsync(Marker("until")))));
            foreach (var client in reading)
            {
                Look(client);
            }

            (isHttp ? _overHttp : _overMqtt).Record(answered - begin);
            _silences.Record(last - begin);
            _disk.Run(1);
        }

        /// <summary>Counts what the client heard of what was said while it was outside.</summary>
        public void Look(RawClient client) => _heardAfter += client.TakeAll()
            .Count(publish => SeqOf(publish) is var seq && _outside.Exists(outside => seq >= outside.First && seq <= outside.Last));

        public IEnumerable<Figure> Figures() =>
        [
            .. Of("answer over HTTP", _overHttp), .. Of("answer over MQTT", _overMqtt), .. Of("last byte", _silences), .. Of("one sync of this disk", _disk.Times),
            new("messages after the answer", "", _heardAfter),
        ];

        public IEnumerable<string> Problems()
        {
            if (_heardAfter > 0)
            {
                yield return string.Create(CultureInfo.InvariantCulture, $"{_heardAfter} events that were said after the answer were heard");
            }

            if (_silences.Microseconds(0.99) > SilenceAllowed)
            {
                yield return "silence took longer than 50 ms (p99)";
            }
        }

        public void Dispose() => _disk.Dispose();

        private string Marker(string when) => string.Create(CultureInfo.InvariantCulture, $"{when} {_number}.");

        // Of an event of the busy room; 0: it is none.
        private static long SeqOf(string? publish)
        {
            if (publish is null || !publish.Contains(RoomTopic.IdOf(Busy) + '"', StringComparison.Ordinal))
            {
                return 0;
            }

            using var one = JsonDocument.Parse(publish);
            return one.RootElement.TryGetProperty("seq", out var seq) ? seq.GetInt64() : 0;
        }

        private static IEnumerable<Figure> Of(string name, Histogram times) =>
        [
            new(name + ", p50", "ms", times.Microseconds(0.5) / 1000), new(name + ", p99", "ms", times.Microseconds(0.99) / 1000), new(name + ", max", "ms", times.Microseconds(1) / 1000),
        ];
    }
}
