using System.Globalization;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Transports;

/// <summary>
/// How the handles that the operating system gives to this process are shared out: first to the runtime and the stores, which end the
/// process or refuse every message without one, then to sockets.
/// </summary>
/// <param name="handles">The limit of open files; null: none is known.</param>
internal sealed partial class HandleRoom(long? handles, int storeFiles, int sockets)
{
    /// <summary>
    /// The runtime, the program's own files (each assembly has two handles), listeners, the rest of the stores, a backup on its way, the
    /// calls of webhooks (<see cref="WebhooksWithin"/>), and the names that are looked up for them.
    /// An idle program holds about 280; the runtime takes more when it starts threads, and aborts the process if it cannot.
    /// </summary>
    private const int Reserve = 384;

    /// <summary>Calls of webhooks for which the reserve has room; what the operator allows beyond is reserved beside it.</summary>
    private const int WebhooksWithin = 32;

    private const int FewestStoreFiles = 64, MostStoreFiles = 256, FewestSockets = 64;

    /// <summary>Where nothing says how many handles there are. A Mac gives 10,240 to a process.</summary>
    private const long Unknown = 8_192;

    /// <summary>Fewer are said at start: a page holds one connection for good and up to six for a moment.</summary>
    private const int Comfortable = 1_000;

    private const string LimitsFile = "/proc/self/limits";
    private const string LimitsLine = "Max open files";

    public const int FewestHandles = Reserve + FewestStoreFiles + FewestSockets;

    /// <summary>Files of the event log that are open at a time.</summary>
    public int StoreFiles => storeFiles;

    /// <summary>Connections of all kinds at a time.</summary>
    public int Sockets => sockets;

    /// <summary>
    /// What this process has got. The runtime has raised its own limit as far as it may before the program begins (.NET 10).
    /// </summary>
    /// <exception cref="StartupException">It is too little.</exception>
    public static HandleRoom OfThisProcess(BrokerLimits limits) => Of(Read(), limits);

    /// <exception cref="StartupException">It is too little.</exception>
    public static HandleRoom Of(long? handles, BrokerLimits limits)
    {
        var fewest = FewestHandles + Beyond(limits);
        if (/* guard: no start with too few handles */ handles < fewest)
        {
            throw new StartupException(string.Create(CultureInfo.InvariantCulture,
                $"This process may open {handles} files and connections; it needs {fewest}, and {Wanted(limits)} for its settings. Raise the limit: `ulimit -n` in a shell, LimitNOFILE in a systemd unit, --ulimit nofile for a container."));
        }

        var known = (handles ?? Unknown) - Beyond(limits);
        var storeFiles = (int)Math.Clamp(known / 8, FewestStoreFiles, MostStoreFiles);
        var sockets = (int)Math.Min(known - Reserve - storeFiles, int.MaxValue);
        return new HandleRoom(handles, storeFiles, limits.Sockets == 0 ? sockets : Math.Min(sockets, limits.Sockets));
    }

    /// <summary>Tells the operator of a limit that is tight for these settings.</summary>
    public void Report(BrokerLimits limits, ILogger log)
    {
        if (handles is { } known && (sockets < Comfortable || sockets < limits.Sockets) && sockets != limits.Sockets)
        {
            LogTight(log, sockets, known, Wanted(limits));
        }
    }

    private static int Beyond(BrokerLimits limits) => Math.Max(0, /* guard: handles of webhooks */ limits.WebhooksAtOnce - WebhooksWithin);

    // The setting may be any number, also one that says "as many as there are".
    private static long Wanted(BrokerLimits limits) => (long)Reserve + Beyond(limits) + MostStoreFiles + Math.Max(limits.Sockets, Comfortable);

    private static long? Read()
    {
        if (!File.Exists(LimitsFile))
        {
            return null;
        }

        foreach (var line in File.ReadLines(LimitsFile))
        {
            if (line.StartsWith(LimitsLine, StringComparison.Ordinal))
            {
                var soft = line[LimitsLine.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries)[0];
                return long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : null;
            }
        }

        return null;
    }

    [LoggerMessage(4202, LogLevel.Warning,
        "There is room for {Sockets} connections: this process may open {Handles} files, some of which the stores keep. Raise that to {Wanted} or more (ulimit -n, LimitNOFILE)")]
    private static partial void LogTight(ILogger log, int sockets, long handles, long wanted);
}
