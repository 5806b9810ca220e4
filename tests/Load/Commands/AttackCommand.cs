using System.Globalization;
using System.Net;
using WebMessenger.Load.Scenarios;

namespace WebMessenger.Load.Commands;

/// <summary>The strangers of `strangers` alone, against a server that runs already, until it is stopped.</summary>
internal sealed class AttackCommand : ICommand
{
    public const string Word = "attack";

    private const string Holds = "held ", Opened = ", opened ";

    private static readonly TimeSpan ReportPeriod = TimeSpan.FromSeconds(1);

    /// <summary>The doors of a server, each an option of its own.</summary>
    public static IReadOnlyList<string> Schemes { get; } = ["http", "https", "mqtt", "mqtts"];

    public string Name => Word;

    public string Summary => "the strangers of `strangers` alone, against a server of yours on this machine, until Ctrl+C";

    public IReadOnlyList<Option> Options { get; } =
    [
        .. Schemes.Select(scheme => new Option(scheme, "", $"where the server listens with {scheme}: 127.0.0.1 and a port")),
        new("addresses", "8", "addresses of the strangers, 127.0.0.2 and up"),
        new("wanted", "2200", "sockets that each wants"),
    ];

    /// <summary>Reads what the command says every second.</summary>
    public static bool TryRead(string line, out int held, out long opened)
    {
        (held, opened) = (0, 0);
        var middle = line.IndexOf(Opened, StringComparison.Ordinal);
        return line.StartsWith(Holds, StringComparison.Ordinal) && middle > 0
            && int.TryParse(line.AsSpan(Holds.Length, middle - Holds.Length), NumberStyles.None, CultureInfo.InvariantCulture, out held)
            && long.TryParse(line.AsSpan(middle + Opened.Length), NumberStyles.None, CultureInfo.InvariantCulture, out opened);
    }

    public async Task<int> RunAsync(Arguments arguments, CancellationToken cancellation)
    {
        var doors = Schemes.ToDictionary(scheme => scheme, scheme => DoorOf(arguments, scheme));
        var wanted = arguments.Number("wanted", 1, 100_000);
        var strangers = Enumerable.Range(0, arguments.Number("addresses", 1, 50))
            .Select(i => new Strangers(doors, IPAddress.Parse(string.Create(CultureInfo.InvariantCulture, $"127.0.0.{2 + i}")), wanted)).ToArray();
        var attack = Task.WhenAll(strangers.Select(stranger => Task.Run(() => stranger.AttackAsync(cancellation), CancellationToken.None)));
        using PeriodicTimer report = new(ReportPeriod);
        try
        {
            while (await report.WaitForNextTickAsync(cancellation))
            {
                await Console.Out.WriteLineAsync(string.Create(
                    CultureInfo.InvariantCulture, $"{Holds}{strangers.Sum(stranger => stranger.Held)}{Opened}{strangers.Sum(stranger => stranger.Opened)}"));
            }
        }
        finally
        {
            await attack;
        }

        return 0;
    }

    // Loopback only: it is for one's own server, on the same machine.
    private static IPEndPoint DoorOf(Arguments arguments, string scheme) =>
        IPEndPoint.TryParse(arguments.Text(scheme), out var door) && IPAddress.IsLoopback(door.Address) && door.Port > 0
            ? door
            : throw new UsageException($"--{scheme} must be an address of this machine and a port, such as 127.0.0.1:8080.");
}
