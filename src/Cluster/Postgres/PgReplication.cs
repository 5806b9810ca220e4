using System.Buffers.Binary;
using Microsoft.Extensions.Logging;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Cluster.Postgres;

/// <summary>What this node writes is brought to the others, and what they write is heard here. Thread-safe.</summary>
internal sealed class PgReplication : IReplication, IDisposable
{
    private readonly PgHearing _hearing;
    private readonly INodeLinks _links;
    private readonly PgPeers _peers;
    private readonly ILogger _logger;
    private long _written;

    public PgReplication(PgHearing hearing, INodeLinks links, PgEventLogOptions options, ILogger logger)
    {
        (_hearing, _links, _logger) = (hearing, links, logger);
        _peers = new PgPeers(links, options, logger);
        links.Answer(NodeTopic.Batch, (node, message) =>
        {
            Hear(node, message);
            return Task.FromResult<ReadOnlyMemory<byte>>(default);
        });
        links.Answer(NodeTopic.Applied, AnswerAppliedAsync);
    }

    public bool IsAlone => false;

    /// <summary>Takes over all that is stored, and tells those who listen.</summary>
    public Func<Task> Begins { get; set; } = static () => Task.CompletedTask;

    public void HearRecords(string prefix, Action<RecordChange> heard) => _hearing.Listeners.HearRecords(prefix, heard);

    public void HearDocuments(string collection, Action<ReplicatedDocument> heard) => _hearing.Listeners.HearDocuments(collection, heard);

    public void HearLogs(Action<ReplicatedLog> heard) => _hearing.Listeners.HearLogs(heard);

    public void HearEnd(Action heard) => _hearing.Listeners.HearEnd(heard);

    public void Owe(Task work) => _hearing.Listeners.Owe(work);

    public Task BeginAsync() => Begins();

    public Task EverywhereAsync()
    {
        var message = new byte[8];
        BinaryPrimitives.WriteInt64BigEndian(message, Volatile.Read(ref _written));

        // One that is silent hears it before it is not.
        return _links.AskWhoSpeaksAsync(NodeTopic.Applied, message);
    }

    /// <summary>It is stored. By the writer.</summary>
    public void Bring(HeardBatch batch, byte[] payload)
    {
        Volatile.Write(ref _written, batch.Number);
        _peers.Bring(batch, payload);
    }

    public void Dispose() => _peers.Dispose();

    private void Hear(string node, ReadOnlyMemory<byte> message)
    {
        if (BroughtBatch.Decode(message.Span) is not { } batches)
        {
            PgLogMessages.NotUnderstood(_logger, node);
            return;
        }

        foreach (var (number, batch) in batches)
        {
            _hearing.Bring(number, batch);
        }
    }

    private async Task<ReadOnlyMemory<byte>> AnswerAppliedAsync(string node, ReadOnlyMemory<byte> message)
    {
        if (message.Length != 8)
        {
            PgLogMessages.NotUnderstood(_logger, node);
            throw new IOException("Not a number of a batch.");
        }

        await _hearing.AppliedAsync(BinaryPrimitives.ReadInt64BigEndian(message.Span));
        return default;
    }
}
