using System.Globalization;
using System.Text;
using WebMessenger.Load.Commands;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Scenarios;

/// <summary>
/// What it costs to edit messages, to react to them and to delete them, beside saying them: the same number of each, in turns,
/// one client in a room of listeners.
/// </summary>
internal sealed class ChangesScenario : IScenario
{
    private const int Window = 64;
    private const double MostAllowed = 2;
    private const double MostAtRest = 0.05;

    // The search gathers for less.
    private static readonly TimeSpan _glance = TimeSpan.FromSeconds(1.5);

    private readonly int _members;
    private readonly int _count;
    private readonly int _turns;

    private ChangesScenario(Arguments arguments) =>
        (_members, _count, _turns) = (arguments.Number("members", 0, 2_000), arguments.Number("count", 100, 100_000), arguments.Number("turns", 1, 100));

    public static ScenarioKind Kind { get; } = new(
        "changes",
        "edits, reactions and deletions beside messages: the server's CPU for each",
        [
            new("members", "10", "who hear it"),
            new("count", "4000", "how many of each kind in a round"),
            new("turns", "5", "how often all of it, after once to warm up"),
        ],
        arguments => new ChangesScenario(arguments),
        IsComparable: false);

    public string Title => string.Create(CultureInfo.InvariantCulture, $"{_count} messages, edits of them, reactions to them and their deletions, heard by {_members}, {_turns} times");

    public string FileName => string.Create(CultureInfo.InvariantCulture, $"changes-{_members}-{_count}");

    public string Promise => "an edit, a reaction or a deletion costs at most twice what a message does.";

    public Preparation Preparation { get; } = new(Accounts: 1, Rooms: 1);

    public async Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        using Swarm listeners = new(server.Door(Transport.Tcp), MqttVersion.V5, rooms: 1);
        await listeners.OpenAsync([.. Enumerable.Repeat(0, _members)], [], Window, MessageText.MinimumLength, server.Login, cancellation);
        await using var speaker = await RawMqttClient.OverTcpAsync(server.Mqtt);
        var login = server.Login(0)!;
        await speaker.ConnectAsync(login.UserName, login.Secret, "speaker");
        (string Name, Func<long, string> Act)[] kinds =
        [
            ("a message", seq => $$"""{"type":"message","text":"The tomatoes by the wall have had no water since {{seq % 1000}}"}"""),
            ("an edit", seq => $$"""{"type":"edit","of":{{seq}},"text":"The tomatoes by the wall have had water again at {{seq % 1000}}"}"""),
            ("a reaction", seq => $$"""{"type":"reaction","of":{{seq}},"emoji":"👍","on":true}"""),
            ("a deletion", seq => $$"""{"type":"delete","of":{{seq}}}"""),
        ];
        var costs = kinds.Select(_ => new List<double>()).ToArray();
        List<string> problems = [];
        for (var round = 0; round <= _turns; round++)
        {
            var first = 0L;
            for (var kind = 0; kind < kinds.Length; kind++)
            {
                var begin = Reading.Now(server);
                var refused = 0;
                (var seq, refused) = await SayAsync(speaker, number => kinds[kind].Act(first + number));
                problems.AddRange(await listeners.VerifyAsync(cancellation));
                await DoneAsync(server, cancellation);
                first = kind == 0 ? seq : first;
                if (refused > 0)
                {
                    problems.Add($"{refused} times {kinds[kind].Name} was refused.");
                }

                if (round > 0)
                {
                    costs[kind].Add((Reading.Now(server) - begin).Server.TotalMicroseconds / _count);
                }
            }
        }

        List<Figure> figures = [.. kinds.Zip(costs, (kind, cost) => new Figure($"server CPU of {kind.Name}", "µs", Figure.Median(cost)))];
        for (var kind = 1; kind < kinds.Length; kind++)
        {
            var ratio = Figure.Median(costs[kind].Zip(costs[0], (its, message) => its / message));
            figures.Add(new($"{kinds[kind].Name} to a message", "×", ratio));
            if (ratio > MostAllowed)
            {
                problems.Add(string.Create(CultureInfo.InvariantCulture, $"{kinds[kind].Name} costs {ratio:0.00} times what a message does."));
            }
        }

        return new Outcome(figures, problems);
    }

    // What follows the log (search, notices, unread) works on for a while: what is begun by one kind is not to be counted as of the next.
    private static async Task DoneAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        TimeSpan before;
        var now = server.Process.Cpu;
        do
        {
            before = now;
            await Task.Delay(_glance, cancellation);
            now = server.Process.Cpu;
        }
        while (now - before > _glance * MostAtRest);
    }

    // The seq of the first, and how many were refused.
    private async Task<(long First, int Refused)> SayAsync(RawMqttClient speaker, Func<int, string> act)
    {
        var topic = RoomTopic.Of(0);
        Queue<ushort> waiting = new();
        var (first, refused) = (0L, 0);
        for (var number = 0; number < _count; number++)
        {
            if (waiting.Count == Window)
            {
                await TakeAsync();
            }

            var id = speaker.NextPacketId();
            waiting.Enqueue(id);
            await speaker.SendPublishAsync(topic, Encoding.UTF8.GetBytes(act(number)), 1, packetId: id);
        }

        while (waiting.Count > 0)
        {
            await TakeAsync();
        }

        return (first, refused);

        async Task TakeAsync()
        {
            var answer = PubAck.Decode(await speaker.NextAsync(PacketType.PubAck, waiting.Dequeue()));
            if (!answer.Accepted)
            {
                refused++;
            }
            else if (first == 0)
            {
                first = answer.Seq;
            }
        }
    }
}
