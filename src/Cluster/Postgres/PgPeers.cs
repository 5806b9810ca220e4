using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Cluster.Postgres;

/// <summary>Brings batches to the other nodes: to each one call at a time, in order, with all that waits for it up to a bound.</summary>
/// <remarks>What cannot be brought is dropped: the number of the next one tells, and it is read from the database.</remarks>
internal sealed class PgPeers : IDisposable
{
    private readonly INodeLinks _links;
    private readonly PgEventLogOptions _options;
    private readonly ILogger _logger;
    private readonly ConcurrentDictionary<string, Peer> _peers = new();
    private readonly CancellationTokenSource _over = new();

    public PgPeers(INodeLinks links, PgEventLogOptions options, ILogger logger)
    {
        (_links, _options, _logger) = (links, options, logger);
        links.Left += Forget;
    }

    /// <summary>By the writer, in the order of numbers. Does not block.</summary>
    public void Bring(HeardBatch batch, byte[] payload)
    {
        var others = _links.Others;
        if (others.Count == 0 || _over.IsCancellationRequested)
        {
            return;
        }

        var brought = ToBring(batch, payload);
        foreach (var node in others)
        {
            if (_peers.GetOrAdd(node, static (_, self) => new Peer(self), this).Add(brought) is { } peer)
            {
                _ = BringAsync(node, peer);
            }
        }
    }

    public void Dispose()
    {
        _links.Left -= Forget;
        _over.Cancel();
    }

    private BroughtBatch ToBring(HeardBatch batch, byte[] payload)
    {
        if (payload.Length > _options.CallBytes)
        {
            return new(batch.Number, [], []);
        }

        var bodies = batch.Entries.Values.Sum(entries => entries.Sum(entry => (long)entry.Body.Length));
        return new(batch.Number, payload, bodies == 0 || bodies > _options.CallBytes - payload.Length ? [] : batch.EncodeEntries());
    }

    private async Task BringAsync(string node, Peer peer)
    {
        // Not on the writer's thread.
        await Task.Yield();
        while (peer.Take() is { } batches)
        {
            try
            {
                await _links.AskAsync(node, NodeTopic.Batch, BroughtBatch.Encode(batches), _over.Token);
            }
            catch (Exception error) when (error is IOException or OperationCanceledException or TimeoutException or ObjectDisposedException)
            {
                PgLogMessages.NotBrought(_logger, node, batches.Count + peer.Drop());
            }
        }
    }

    private void Forget(string node) => _peers.TryRemove(node, out _);

    /// <summary>What waits for one node. <c>_gate</c> is held for a moment only.</summary>
    private sealed class Peer(PgPeers all)
    {
        private readonly Lock _gate = new();
        private readonly Queue<BroughtBatch> _waiting = new();
        private long _bytes;
        private bool _isBringing;

        /// <summary>Itself, if somebody has to begin to bring what waits.</summary>
        public Peer? Add(BroughtBatch batch)
        {
            lock (_gate)
            {
                if (_bytes + batch.Length > all._options.WaitingBytes)
                {
                    // Its number alone costs nothing, and tells the other what to read.
                    _waiting.Clear();
                    _bytes = 0;
                    batch = batch with { Payload = [], Entries = [] };
                }

                _waiting.Enqueue(batch);
                _bytes += batch.Length;
                if (_isBringing)
                {
                    return null;
                }

                _isBringing = true;
                return this;
            }
        }

        /// <summary>What one call brings; null: nothing waits, and the next that is added has to begin anew.</summary>
        public List<BroughtBatch>? Take()
        {
            lock (_gate)
            {
                List<BroughtBatch> some = [];
                var bytes = 0L;
                while (_waiting.TryPeek(out var next) && (some.Count == 0 || bytes + next.Length <= all._options.CallBytes))
                {
                    some.Add(_waiting.Dequeue());
                    bytes += next.Length;
                }

                _bytes -= bytes;
                _isBringing = some.Count > 0;
                return _isBringing ? some : null;
            }
        }

        public int Drop()
        {
            lock (_gate)
            {
                var count = _waiting.Count;
                _waiting.Clear();
                _bytes = 0;
                return count;
            }
        }
    }
}
