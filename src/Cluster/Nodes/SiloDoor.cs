using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Logging;
using Orleans.Configuration;
using Orleans.Hosting;

namespace WebMessenger.Cluster.Nodes;

/// <summary>
/// Who comes to the port of the nodes: Orleans would keep each socket for as long as it likes, whether or not it is a node's.
/// </summary>
/// <remarks>
/// A newcomer has said who it is when its certificate is trusted, where there are such, and the first message of Orleans was read of it.
/// Thread-safe.
/// </remarks>
internal sealed partial class SiloDoor(ILogger<SiloDoor> logger)
{
    /// <summary>Newcomers at once. One more ends the oldest of the address that has the most of them: a node must always come in.</summary>
    public const int NewcomersAtOnce = 32;

    /// <summary>Those who have said who they are: one of each other node, and of one that comes back.</summary>
    public const int ConnectionsAtOnce = 256;

    /// <summary>Within this time a newcomer says who it is.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // The length of the first message of Orleans.
    private const int Prefix = 4;

    private static readonly TimeSpan _logPause = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();

    // In the order in which they came.
    private readonly LinkedList<Newcomer> _newcomers = new();
    private int _known;
    private int _turnedAway;
    private TimeSpan? _logged;

    /// <param name="addTls">What has to be between the socket and Orleans; null: nothing.</param>
    public void Add(ISiloBuilder silo, Action? addTls)
    {
        silo.Configure<SiloConnectionOptions>(options => options.ConfigureSiloInboundConnection(to => to.Use(next => connection => ComeAsync(connection, next))));
        addTls?.Invoke();
        silo.Configure<SiloConnectionOptions>(options => options.ConfigureSiloInboundConnection(to => to.Use(next => connection => ListenAsync(connection, next))));
    }

    private async Task ComeAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        Newcomer newcomer = new(connection);
        using Timer patience = new(_ => TurnAway(newcomer), null, Patience, Timeout.InfiniteTimeSpan);
        connection.Features.Set(newcomer);
        Newcomer? goes = null;
        lock (_gate)
        {
            newcomer.Place = _newcomers.AddLast(newcomer);
            if (/* guard: newcomers at the port of the nodes */ _newcomers.Count > NewcomersAtOnce)
            {
                goes = _newcomers.GroupBy(one => one.Address).MaxBy(ofAddress => ofAddress.Count())!.First();
            }
        }

        if (goes is not null)
        {
            TurnAway(goes);
        }

        try
        {
            await next(connection);
        }
        finally
        {
            Leave(newcomer);
        }
    }

    // Behind TLS, where there is such.
    private Task ListenAsync(ConnectionContext connection, ConnectionDelegate next)
    {
        var newcomer = connection.Features.Get<Newcomer>()!;
        connection.Transport = new Heard(connection.Transport, () => SaidWho(newcomer));
        return next(connection);
    }

    private void SaidWho(Newcomer newcomer)
    {
        bool isOneTooMany;
        lock (_gate)
        {
            if (newcomer.Place is null)
            {
                return;
            }

            isOneTooMany = _known >= ConnectionsAtOnce;
            if (!isOneTooMany)
            {
                _newcomers.Remove(newcomer.Place);
                (newcomer.Place, newcomer.IsKnown, _known) = (null, true, _known + 1);
            }
        }

        if (isOneTooMany)
        {
            TurnAway(newcomer);
        }
    }

    private void Leave(Newcomer newcomer)
    {
        lock (_gate)
        {
            _known -= newcomer.IsKnown ? 1 : 0;
            newcomer.IsKnown = false;
            if (newcomer.Place is { } place)
            {
                _newcomers.Remove(place);
                newcomer.Place = null;
            }
        }
    }

    // Unless it has said who it is by now, or has left.
    private void TurnAway(Newcomer newcomer)
    {
        int? turnedAway = null;
        lock (_gate)
        {
            if (newcomer.Place is not { } place)
            {
                return;
            }

            _newcomers.Remove(place);
            newcomer.Place = null;
            _turnedAway++;
            if (_logged is not { } logged || LeaseClock.Now - logged >= _logPause)
            {
                (_logged, turnedAway, _turnedAway) = (LeaseClock.Now, _turnedAway, 0);
            }
        }

        if (turnedAway is { } count)
        {
            LogTurnedAway(logger, count, newcomer.Address);
        }

        newcomer.Connection.Abort();
    }

    private sealed class Newcomer(ConnectionContext connection)
    {
        public ConnectionContext Connection { get; } = connection;

        public IPAddress? Address { get; } = (connection.RemoteEndPoint as IPEndPoint)?.Address;

        /// <summary>Among the newcomers; null: it is none any more. Under the gate.</summary>
        public LinkedListNode<Newcomer>? Place { get; set; }

        /// <summary>It has said who it is, and counts. Under the gate.</summary>
        public bool IsKnown { get; set; }
    }

    /// <summary>Calls when more than the length of a first message has been read.</summary>
    private sealed class Heard(IDuplexPipe inner, Action heard) : PipeReader, IDuplexPipe
    {
        private ReadOnlySequence<byte> _shown;
        private long _used;

        public PipeReader Input => this;

        public PipeWriter Output => inner.Output;

        public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
        {
            var read = await inner.Input.ReadAsync(cancellationToken);
            _shown = read.Buffer;
            return read;
        }

        public override bool TryRead(out ReadResult result)
        {
            var isThere = inner.Input.TryRead(out result);
            _shown = result.Buffer;
            return isThere;
        }

        public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

        public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
        {
            var isFirst = _used <= Prefix;
            _used += isFirst ? _shown.Slice(_shown.Start, consumed).Length : 0;
            _shown = default;
            inner.Input.AdvanceTo(consumed, examined);
            if (isFirst && _used > Prefix)
            {
                heard();
            }
        }

        public override void CancelPendingRead() => inner.Input.CancelPendingRead();

        public override void Complete(Exception? exception = null) => inner.Input.Complete(exception);

        public override ValueTask CompleteAsync(Exception? exception = null) => inner.Input.CompleteAsync(exception);
    }

    [LoggerMessage(5316, LogLevel.Warning,
        "At the port of the nodes {Count} connections were ended that did not say in time which node they are, or were too many; the last came from {Address}")]
    private static partial void LogTurnedAway(ILogger logger, int count, IPAddress? address);
}
