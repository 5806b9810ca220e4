using System.Diagnostics;
using System.Globalization;
using WebMessenger.Load.Chat;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// Guests enter one room as the page does, so many a second, until it is full; then the room is deleted while somebody talks in another
/// one. What a guest who comes costs the server when few are there and when many are, and what each costs those who are there already.
/// </summary>
internal sealed class CrowdScenario : IScenario
{
    private const string Room = "crowd";

    /// <summary>Of whom the bytes are counted: the first to come, who hear of all others.</summary>
    private const int Observers = 20;

    /// <summary>Up to so many a room names everybody.</summary>
    private const int NamedUpTo = 1_000;
    private const double MostCost = 2;
    private const double MostBytesNamed = 8_000, MostBytesCrowd = 2_000;
    private const double MostMilliseconds = 200;
    private const int ComingAtOnce = 64;

    private static readonly TimeSpan Settle = TimeSpan.FromSeconds(3);

    private readonly int _people;
    private readonly int _few;
    private readonly int _rate;

    private CrowdScenario(Arguments arguments)
    {
        (_people, _few, _rate) = (arguments.Number("people", 50, 20_000), arguments.Number("few", 20, 10_000), arguments.Number("rate", 1, 1_000));
        if (_few * 2 > _people)
        {
            throw new UsageException("--people must be twice --few at least.");
        }
    }

    public static ScenarioKind Kind { get; } = new(
        "crowd",
        "guests enter one room as the page does, and then it is deleted: the cost of each, bytes to the others, and talk in another room meanwhile",
        [
            new("people", "5000", "how many come"),
            new("few", "500", "how many are few: their cost is compared with that of the last ones"),
            new("rate", "50", "how many come a second"),
        ],
        arguments => new CrowdScenario(arguments),
        IsComparable: false);

    public string Title => string.Create(CultureInfo.InvariantCulture, $"{_people} guests enter one room, {_rate} a second, over WebSocket as the page does; then the room is deleted");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"crowd-{_people}-{_rate}ps");

    public string Promise => string.Create(
        CultureInfo.InvariantCulture,
        $"nobody was cut off; a guest at {_people} cost at most {MostCost:0} × one at {_few}; others were sent at most 8 kB/s up to 1,000 and 2 kB/s above; p99 in another room while it was deleted: at most 200 ms.");

    public Preparation Preparation { get; } = new(Accounts: 2, Rooms: 1);

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using Browser browser = new(server);
        using HonestClient honest = new(server.Mqtt, server.Login(1)!, server.Folder, RoomTopic.Of(0));
        var owner = server.Login(0)!;
        await browser.MakeRoomAsync(owner, Room, cancellation);
        var guests = new CrowdGuest?[_people];
        try
        {
            List<Figure> figures = [];
            List<string> problems = [];
            var atFew = await ComeAsync(server, browser, guests, _few, _few * 4 / 5, cancellation);
            var named = Math.Min(NamedUpTo, _people);
            var toNamed = await ComeAsync(server, browser, guests, Math.Max(named, _few), _few, cancellation);
            Coming? toMany = _people > Math.Max(named, _few) ? await ComeAsync(server, browser, guests, _people, _people - (_few / 5), cancellation) : null;
            var atMany = toMany ?? toNamed;

            figures.Add(new($"server CPU a guest, at {_few}", "ms", atFew.Cost));
            figures.Add(new($"server CPU a guest, at {_people}", "ms", atMany.Cost));
            figures.Add(new("… × that at few", "", atMany.Cost / atFew.Cost));
            var seconds = atFew.Seconds + (named > _few ? toNamed.Seconds : 0);
            var bytes = (atFew.Bytes + (named > _few ? toNamed.Bytes : 0)) / seconds;
            figures.Add(new("came, up to 1,000", "/s", atFew.Rate));
            figures.Add(new("bytes to each other, up to 1,000", "B/s", bytes));
            Check(problems, bytes > MostBytesNamed, "others were sent more than 8 kB/s up to 1,000");
            Check(problems, atMany.Cost > MostCost * atFew.Cost, "a guest among many cost more than twice one among few");
            if (toMany is { } crowd)
            {
                figures.Add(new("came, above 1,000", "/s", crowd.Rate));
                figures.Add(new("bytes to each other, above 1,000", "B/s", crowd.Bytes / crowd.Seconds));
                Check(problems, crowd.Bytes / crowd.Seconds > MostBytesCrowd, "others were sent more than 2 kB/s above 1,000");
            }

            await Task.Delay(Settle, cancellation);
            var cutOff = guests.Count(guest => guest is { IsCutOff: true });
            figures.Add(new("cut off", "", cutOff));
            Check(problems, cutOff > 0, "guests were cut off");
            figures.Add(new("server memory", "MB", server.Process.ResidentBytes / 1e6));

            var alone = await BesideAsync(honest, () => Task.Delay(Settle, cancellation), cancellation);
            var start = Stopwatch.GetTimestamp();
            TimeSpan deleting = default;
            var beside = await BesideAsync(
                honest,
                async () =>
                {
                    await browser.DeleteRoomAsync(owner, Room, cancellation);
                    deleting = Stopwatch.GetElapsedTime(start);
                    await Task.Delay(Settle, cancellation);
                },
                cancellation);
            figures.Add(new("deleting the room", "ms", deleting.TotalMilliseconds));
            figures.Add(new("publish in another room before, p99", "ms", alone.Microseconds(0.99) / 1000));
            figures.Add(new("publish in another room meanwhile, p99", "ms", beside.Microseconds(0.99) / 1000));
            Check(problems, beside.Microseconds(0.99) / 1000 > MostMilliseconds, "p99 of publishes in another room was over 200 ms while it was deleted");
            return new Outcome(figures, problems);
        }
        finally
        {
            Array.ForEach(guests, guest => guest?.Dispose());
        }
    }

    private static void Check(List<string> problems, bool isBroken, string what)
    {
        if (isBroken)
        {
            problems.Add(what);
        }
    }

    private static async Task<Histogram> BesideAsync(HonestClient honest, Func<Task> work, CancellationToken cancellation)
    {
        using CancellationTokenSource over = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        var talking = honest.RunAsync(over.Token);
        await work();
        await over.CancelAsync();
        await talking;
        Histogram times = new();
        times.Add(honest.Times);
        return times;
    }

    // Until so many are there. The cost is that of those who come from a number on; the bytes are those of all this time.
    private async Task<Coming> ComeAsync(ServerUnderTest server, Browser browser, CrowdGuest?[] guests, int until, int costFrom, CancellationToken cancellation)
    {
        var from = Array.FindIndex(guests, guest => guest is null);
        var observers = guests.Take(Math.Min(from, Observers)).OfType<CrowdGuest>().ToArray();
        var bytes = observers.Sum(guest => guest.Bytes);
        var clock = Stopwatch.StartNew();
        using SemaphoreSlim places = new(ComingAtOnce);
        List<Task> coming = [];
        Reading? begin = null;
        for (var i = Math.Max(0, from); i < until; i++)
        {
            // In their turn, however long one takes.
            var wait = TimeSpan.FromSeconds((i - from) / (double)_rate) - clock.Elapsed;
            if (wait > TimeSpan.Zero)
            {
                await Task.Delay(wait, cancellation);
            }

            if (i >= costFrom)
            {
                begin ??= Reading.Now(server);
            }

            await places.WaitAsync(cancellation);
            coming.Add(EnterAsync(i));
            if (observers.Length == 0 && i == Observers)
            {
                // The first: from here on they hear of the others.
                await Task.WhenAll(coming);
                observers = [.. guests.Take(Observers).OfType<CrowdGuest>()];
                (bytes, from) = (observers.Sum(guest => guest.Bytes), i);
                clock.Restart();
            }
        }

        await Task.WhenAll(coming);
        var passed = Reading.Now(server) - begin!.Value;
        var heard = (observers.Sum(guest => guest.Bytes) - bytes) / (double)observers.Length;
        return new Coming(passed.Server.TotalMilliseconds / (until - costFrom), heard, clock.Elapsed.TotalSeconds, (until - from) / clock.Elapsed.TotalSeconds);

        async Task EnterAsync(int number)
        {
            try
            {
                guests[number] = await CrowdGuest.EnterAsync(
                    server.Door(Transport.WebSocket), browser, string.Create(CultureInfo.InvariantCulture, $"Visitor {number}"), Room, cancellation);
            }
            finally
            {
                places.Release();
            }
        }
    }

    /// <param name="Cost">Milliseconds of the server's processor for each who came.</param>
    /// <param name="Bytes">To each observer.</param>
    /// <param name="Rate">How many came a second: fewer than asked for where the machine is busy.</param>
    private readonly record struct Coming(double Cost, double Bytes, double Seconds, double Rate);
}
