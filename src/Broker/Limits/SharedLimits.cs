using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Limits;

/// <summary>
/// Limits by account are those of all nodes: once a second each tells the others what was used up of them here. So an account that talks to
/// several nodes has more than its limit for a second at most, and makes up for it in the next. Limits by address are each node's own.
/// </summary>
/// <remarks>
/// A message: 1 · for each kind and key: kind (1) · bytes of the key (2) · key (UTF-8) · how much (8); numbers are big-endian.
/// What is lost with a node or on the way is not counted. Alone nothing is told.
/// </remarks>
internal sealed partial class SharedLimits : BackgroundService
{
    private const byte Format = 1;
    private const int AtOnce = 1_000;
    private const int LongestKey = 512;
    private const int FixedSize = 1 + 2 + 8;

    private static readonly TimeSpan _every = TimeSpan.FromSeconds(1);

    private readonly Dictionary<byte, ISharedUse> _uses;
    private readonly INodeLinks _links;
    private readonly BrokerLimits _limits;
    private readonly TimeProvider _time;
    private readonly ILogger<SharedLimits> _logger;

    public SharedLimits(IEnumerable<ISharedUse> uses, INodeLinks links, BrokerLimits limits, TimeProvider time, ILogger<SharedLimits> logger)
    {
        (_uses, _links, _limits, _time, _logger) = (uses.ToDictionary(one => one.Kind), links, limits, time, logger);
        links.Hear(NodeTopic.Limits, Hear);
    }

    /// <summary>What was used and not told, to the others: of more than are told in a second the larger uses first, the rest in the
    /// next.</summary>
    internal void Tell()
    {
        var told = _uses.Values.SelectMany(of => of.Untold.Select(use => (Of: of, use.Key, Count: use.Value)))
            .OrderByDescending(use => use.Count).Take(/* guard: uses that are told in a second */ _limits.UsesToldPerSecond is > 0 and var most ? most : int.MaxValue);
        foreach (var some in told.Chunk(AtOnce))
        {
            ArrayBufferWriter<byte> message = new(some.Length * 40);
            message.Write([Format]);
            foreach (var (of, key, count) in some)
            {
                Put(message, of.Kind, key, count);
                of.Told(key, count);
            }

            _links.Tell(NodeTopic.Limits, message.WrittenMemory);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (_links == AloneLinks.Instance)
        {
            return;
        }

        using PeriodicTimer timer = new(_every, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                Tell();
            }
        }
        catch (OperationCanceledException)
        {
            // The end.
        }
    }

    private static void Put(ArrayBufferWriter<byte> to, byte kind, string key, long count)
    {
        var length = Encoding.UTF8.GetByteCount(key);
        if (length > LongestKey)
        {
            // No account and no login is so long.
            return;
        }

        var span = to.GetSpan(FixedSize + length);
        span[0] = kind;
        BinaryPrimitives.WriteUInt16BigEndian(span[1..], (ushort)length);
        Encoding.UTF8.GetBytes(key, span[3..]);
        BinaryPrimitives.WriteInt64BigEndian(span[(3 + length)..], count);
        to.Advance(FixedSize + length);
    }

    private void Hear(string node, ReadOnlyMemory<byte> message)
    {
        var rest = message.Span;
        if (rest.Length == 0 || rest[0] != Format)
        {
            LogUnknown(_logger, node);
            return;
        }

        for (rest = rest[1..]; rest.Length > 0;)
        {
            if (rest.Length < FixedSize || BinaryPrimitives.ReadUInt16BigEndian(rest[1..]) is var length && (length > LongestKey || rest.Length < FixedSize + length))
            {
                LogUnknown(_logger, node);
                return;
            }

            // One of a newer version is none of ours.
            if (_uses.TryGetValue(rest[0], out var of) && BinaryPrimitives.ReadInt64BigEndian(rest[(3 + length)..]) is > 0 and var count)
            {
                of.UsedElsewhere(Encoding.UTF8.GetString(rest.Slice(3, length)), Math.Min(count, int.MaxValue));
            }

            rest = rest[(FixedSize + length)..];
        }
    }

    [LoggerMessage(5501, LogLevel.Warning, "What node {Node} has told of limits by account cannot be read: they are counted by each node for itself. Run the same version on all nodes")]
    private static partial void LogUnknown(ILogger logger, string node);
}
