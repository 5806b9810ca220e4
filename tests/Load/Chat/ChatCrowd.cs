using System.Diagnostics;
using System.Globalization;
using System.Text;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Chat;

/// <summary>The people of some rooms: come in, talk at a steady rate, go and come back.</summary>
internal sealed class ChatCrowd(Door door, Browser browser, IReadOnlyList<Person> people, Random random) : ITraffic, IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private const int ComingAtOnce = 16;
    private const int ProblemsTold = 10;

    // How long somebody is away, and how often it is looked what is due.
    private static readonly TimeSpan Away = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(1);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(20);

    // By person; null: away.
    private readonly ChatPage?[] _pages = new ChatPage?[people.Count];
    private readonly int[][] _peopleOfRoom = [.. people.Select((person, i) => (person, i)).GroupBy(one => one.person.Room).OrderBy(room => room.Key).Select(room => room.Select(one => one.i).ToArray())];
    private readonly List<string> _problems = [];
    private int _said;
    private int _problemCount;

    public Door Door => door;

    public object Gate { get; } = new();

    public long Deliveries { get; private set; }

    public long Acknowledged { get; private set; }

    public Histogram EndToEnd { get; } = new();

    public Histogram Acknowledgement { get; } = new();

    /// <summary>From sending CONNECT to having read the newest page of history.</summary>
    public Histogram ToHistory { get; } = new();

    /// <summary>From sending CONNECT to the room's events being on their way.</summary>
    public Histogram ToRoom { get; } = new();

    /// <summary>Everybody comes in, many at a time.</summary>
    public Task ComeAsync(CancellationToken cancellation) =>
        Parallel.ForAsync(
            0,
            people.Count,
            new ParallelOptions { MaxDegreeOfParallelism = ComingAtOnce, CancellationToken = cancellation },
            async (i, stop) => await ComeAsync(i, stop));

    /// <summary>
    /// Somebody of each room in turn says something, at this rate for all rooms together,
    /// and this many a second leave and come back, until it is enough.
    /// </summary>
    public async Task TalkAsync(double messagesPerSecond, double leavesPerSecond, CancellationToken enough)
    {
        List<Task> coming = [];
        var clock = Stopwatch.StartNew();
        using PeriodicTimer timer = new(Tick);
        for (long said = 0, left = 0; !enough.IsCancellationRequested; await timer.WaitForNextTickAsync(CancellationToken.None))
        {
            for (; said < (long)(clock.Elapsed.TotalSeconds * messagesPerSecond); said++)
            {
                SayIn((int)(said % _peopleOfRoom.Length));
            }

            for (; left < (long)(clock.Elapsed.TotalSeconds * leavesPerSecond); left++)
            {
                if (TryLeave() is { } person)
                {
                    coming.Add(ComeBackAsync(person));
                }
            }
        }

        await Task.WhenAll(coming);
    }

    /// <summary>
    /// When nobody talks any more: all that was said is acknowledged, and every page has every event of its room. Returns what is wrong.
    /// </summary>
    /// <param name="heads">The newest event of each room, asked for when all is acknowledged.</param>
    public async Task<IReadOnlyList<string>> VerifyAsync(Func<Task<IReadOnlyList<long>>> heads, CancellationToken cancellation)
    {
        if (!await BecomesAsync(() => Present().All(page => page.UnderWay == 0), cancellation))
        {
            Problem("Not all that was said was acknowledged.");
        }

        var newest = await heads();
        if (!await BecomesAsync(() => Present().All(page => page.Seq >= newest[page.Room]), cancellation))
        {
            Problem("Not every page got all of its room.");
        }

        lock (Gate)
        {
            if (Deliveries == 0)
            {
                Problem("Nothing was delivered at all.");
            }

            return _problemCount <= ProblemsTold ? _problems : [.. _problems, $"… and {_problemCount - ProblemsTold} more."];
        }
    }

    public void Dispose()
    {
        foreach (var page in _pages)
        {
            page?.Dispose();
        }
    }

    public void CountEntry(long toHistory, long toRoom)
    {
        lock (Gate)
        {
            ToHistory.Record(toHistory);
            ToRoom.Record(toRoom);
        }
    }

    // From here on: for pages, under the gate.

    public void CountAcknowledgement(long ticks)
    {
        Acknowledged++;
        Acknowledgement.Record(ticks);
    }

    public void CountDelivery(long ticks)
    {
        Deliveries++;
        EndToEnd.Record(ticks);
    }

    public void Problem(string what)
    {
        if (++_problemCount <= ProblemsTold)
        {
            _problems.Add(what);
        }
    }

    private IEnumerable<ChatPage> Present() => _pages.OfType<ChatPage>();

    private async Task ComeAsync(int person, CancellationToken cancellation)
    {
        var page = await ChatPage.OpenAsync(this, browser, people[person], cancellation);
        lock (Gate)
        {
            _pages[person] = page;
        }
    }

    private async Task ComeBackAsync(int person)
    {
        await Task.Delay(Away, CancellationToken.None);
        await ComeAsync(person, CancellationToken.None);
    }

    // Not of those whose words are under way: nobody would be there to hear whether they arrived.
    private int? TryLeave()
    {
        var person = random.Next(people.Count);
        lock (Gate)
        {
            if (_pages[person] is not { UnderWay: 0 } page)
            {
                return null;
            }

            page.Dispose();
            _pages[person] = null;
            return person;
        }
    }

    private void SayIn(int room)
    {
        var of = _peopleOfRoom[room];
        var first = random.Next(of.Length);
        lock (Gate)
        {
            if (Enumerable.Range(first, of.Length).Select(i => _pages[of[i % of.Length]]).FirstOrDefault(page => page is not null) is not { } speaker)
            {
                return;
            }

            if (!speaker.Say(Command(room, ++_said)))
            {
                Problem("The server did not keep up with what was said.");
            }
        }
    }

    /// <summary>As the pages send it. Four in five are a line, some are a few, one in twenty is long.</summary>
    private byte[] Command(int room, int number)
    {
        var length = random.Next(20) switch
        {
            0 => random.Next(400, 2_000),
            < 4 => random.Next(120, 400),
            _ => random.Next(MessageText.MinimumLength, 120),
        };
        var text = MessageText.Create(length, room, publisher: 0);
        MessageText.Stamp(text, number);
        return Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"type":"message","text":"{{Encoding.ASCII.GetString(text)}}","id":"said-{{number}}"}"""));
    }

    private async Task<bool> BecomesAsync(Func<bool> what, CancellationToken cancellation)
    {
        for (var clock = Stopwatch.StartNew(); clock.Elapsed < Patience; await Task.Delay(Look, cancellation))
        {
            lock (Gate)
            {
                if (what())
                {
                    return true;
                }
            }
        }

        return false;
    }
}
