using System.Diagnostics;
using System.Globalization;
using WebMessenger.Load.Chat;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Crash;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>The whole way that people go: sign in with a password, open the page, read what was said, talk, leave and come back.</summary>
internal sealed class ChatScenario : IScenario
{
    /// <summary>The server checks two passwords at a time, so that some always wait.</summary>
    private const int SigningInAtOnce = 4;

    /// <summary>So that the first to come has something to read.</summary>
    private const int SaidBefore = 50;

    private const int Seed = 20261123;

    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(2);

    private readonly int _rooms;
    private readonly int _people;
    private readonly int _rate;
    private readonly int _leaves;
    private readonly TimeSpan _warmUp;
    private readonly TimeSpan _seconds;

    private ChatScenario(Arguments arguments)
    {
        (_rooms, _people) = (arguments.Number("rooms", 1, 1_000), arguments.Number("people", 1, 1_000));
        (_rate, _leaves) = (arguments.Number("rate", 1, 1_000), arguments.Number("leaves", 0, 100));
        (_warmUp, _seconds) = (arguments.Seconds("warmup"), arguments.Seconds("seconds"));
        Preparation = new Preparation(_rooms * _people, _rooms);
    }

    public static ScenarioKind Kind { get; } = new(
        "chat",
        "people as they use it: signing in, pages over WebSocket, history, JSON messages, coming and going",
        [
            new("rooms", "20", "rooms"),
            new("people", "25", "people in each, with an account each; a password takes about 40 ms to make, and as long to check"),
            new("rate", "5", "messages a second in each room"),
            new("leaves", "5", "people a second, of all rooms, who close the page and are back two seconds later"),
            .. SharedOptions.Timed,
        ],
        arguments => new ChatScenario(arguments),
        IsComparable: false);

    public string Title => string.Create(CultureInfo.InvariantCulture,
        $"{_rooms} rooms of {_people} people each, {_rate} JSON messages/s in each of 48 to 2,000 bytes, {_leaves} people/s leave and come back, cookie, MQTT 5, WebSocket; history and room from CONNECT on");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"chat-{_rooms}x{_people}-{_rate}ps");

    public string Promise => "every page got every event of its room from its history's end on, in order, and all that was said was acknowledged.";

    public Preparation Preparation { get; }

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        await TalkBeforeAsync(server, cancellation);
        using Browser browser = new(server);
        var start = Stopwatch.GetTimestamp();
        var people = await SignInAsync(server, browser, cancellation);
        var signingIn = Stopwatch.GetElapsedTime(start);
        await Task.Delay(Settle, cancellation);
        var before = server.Process.ResidentBytes;

        using ChatCrowd crowd = new(server.Door(Transport.WebSocket), browser, people, new Random(Seed));
        await crowd.ComeAsync(cancellation);
        List<Figure> figures =
        [
            new("sign-ins", "/s", people.Length / signingIn.TotalSeconds),
            .. Entries(crowd, "all at once"),
        ];
        await Task.Delay(Settle, cancellation);
        figures.Add(new("memory for each who came", "kB", Math.Max(0, server.Process.ResidentBytes - before) / 1000.0 / people.Length));

        using var enough = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var talking = crowd.TalkAsync(_rooms * _rate, _leaves, enough.Token);
        await Task.WhenAny(talking, Task.Delay(_warmUp, cancellation));
        lock (crowd.Gate)
        {
            crowd.ToHistory.Clear();
            crowd.ToRoom.Clear();
        }

        Meter meter = new(server, crowd);
        meter.Begin();
        await Task.WhenAny(talking, Task.Delay(_seconds, cancellation));
        figures.AddRange(meter.End());
        figures.AddRange(Entries(crowd, "amid talk"));
        await enough.CancelAsync();
        await talking;
        cancellation.ThrowIfCancellationRequested();
        using StoredLog log = new(new Uri($"http://{server.WebSocket}"), server.Login(0)!);
        return new Outcome(figures, await crowd.VerifyAsync(() => log.HeadsAsync(_rooms, cancellation), cancellation));
    }

    // All from CONNECT on.
    private static List<Figure> Entries(ChatCrowd crowd, string when)
    {
        lock (crowd.Gate)
        {
            return crowd.ToRoom.Count == 0 ? [] :
            [
                new($"first history, {when}, p50", "ms", crowd.ToHistory.Microseconds(0.5) / 1000),
                new($"first history, {when}, p99", "ms", crowd.ToHistory.Microseconds(0.99) / 1000),
                new($"room live, {when}, p50", "ms", crowd.ToRoom.Microseconds(0.5) / 1000),
                new($"room live, {when}, p99", "ms", crowd.ToRoom.Microseconds(0.99) / 1000),
            ];
        }
    }

    private async Task TalkBeforeAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using Swarm speaker = new(server.Door(Transport.Tcp), MqttVersion.V5, _rooms);
        await speaker.OpenAsync([], [[.. Enumerable.Range(0, _rooms)]], window: 64, textLength: 80, server.Login, cancellation);
        speaker.Publish(_rooms * SaidBefore);
        await speaker.QuietAsync(cancellation);
    }

    private async Task<Person[]> SignInAsync(ServerUnderTest server, Browser browser, CancellationToken cancellation)
    {
        var people = new Person[_rooms * _people];
        ParallelOptions parallel = new() { MaxDegreeOfParallelism = SigningInAtOnce, CancellationToken = cancellation };
        await Parallel.ForAsync(0, people.Length, parallel, async (i, stop) =>
        {
            var name = server.Login(i)!.UserName;
            people[i] = new Person(name, await browser.SignInAsync(name, stop), i % _rooms);
        });
        return people;
    }
}
