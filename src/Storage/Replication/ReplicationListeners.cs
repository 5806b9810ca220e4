using System.Text;
using Microsoft.Extensions.Logging;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Storage.Replication;

/// <summary>Who listens to what other nodes write, and the batch that is being heard.</summary>
/// <remarks>Who listens is added before the first batch; <see cref="Hear"/> is called by one thread at a time.</remarks>
public sealed partial class ReplicationListeners(ILogger logger)
{
    /// <summary>In place of a collection: all of them.</summary>
    public const string All = "";

    private readonly List<(byte[] Prefix, Action<RecordChange> Heard)> _records = [];
    private readonly Dictionary<string, List<Action<ReplicatedDocument>>> _documents = [];
    private readonly List<Action<ReplicatedLog>> _logs = [];
    private readonly List<Action> _ends = [];
    private List<Task>? _owed;
    private bool _hasBegun;

    public void HearRecords(string prefix, Action<RecordChange> heard)
    {
        ThrowIfBegun();
        _records.Add((Encoding.ASCII.GetBytes(prefix), heard));
    }

    public void HearDocuments(string collection, Action<ReplicatedDocument> heard)
    {
        ThrowIfBegun();
        if (!_documents.TryGetValue(collection, out var listeners))
        {
            _documents[collection] = listeners = [];
        }

        listeners.Add(heard);
    }

    public void HearLogs(Action<ReplicatedLog> heard)
    {
        ThrowIfBegun();
        _logs.Add(heard);
    }

    public void HearEnd(Action heard)
    {
        ThrowIfBegun();
        _ends.Add(heard);
    }

    /// <summary>Nobody is added from here on.</summary>
    public void Begin() => _hasBegun = true;

    /// <summary>See <see cref="IReplication.Owe"/>; by whoever is called by <see cref="Hear"/>.</summary>
    public void Owe(Task work)
    {
        if (!work.IsCompleted)
        {
            (_owed ??= []).Add(work);
        }
    }

    /// <summary>Tells everybody of a batch: documents first, for records and events name accounts and rooms; then records, then
    /// logs.</summary>
    /// <returns>Completes, and never fails, when all is done that is owed for it.</returns>
    public Task Hear(ReplicatedBatch batch)
    {
        foreach (var document in batch.Documents)
        {
            foreach (var heard in (_documents.GetValueOrDefault(document.Collection) ?? []).Concat(_documents.GetValueOrDefault(All) ?? []))
            {
                Tell(heard, document, batch);
            }
        }

        foreach (var record in batch.Records)
        {
            foreach (var (prefix, heard) in _records)
            {
                if (record.Key.AsSpan().StartsWith(prefix))
                {
                    Tell(heard, record, batch);
                }
            }
        }

        foreach (var log in batch.Logs)
        {
            _logs.ForEach(heard => Tell(heard, log, batch));
        }

        _ends.ForEach(heard => Tell(static end => end(), heard, batch));
        if (_owed is not { } owed)
        {
            return Task.CompletedTask;
        }

        _owed = null;
        return Settled(owed);
    }

    private async Task Settled(List<Task> owed)
    {
        foreach (var work in owed)
        {
            try
            {
                await work;
            }
            catch (Exception error)
            {
                // Whoever began it has said what is to be done about that; nobody may wait for it for ever.
                LogOwed(logger, error);
            }
        }
    }

    // One that fails must not keep the others from what was taken away.
    private void Tell<T>(Action<T> heard, T what, ReplicatedBatch batch)
    {
        try
        {
            heard(what);
        }
        catch (Exception error)
        {
            LogFailed(logger, batch.Number, batch.Node, error);
        }
    }

    private void ThrowIfBegun()
    {
        if (_hasBegun)
        {
            throw new InvalidOperationException("What others write is heard already.");
        }
    }

    [LoggerMessage(5001, LogLevel.Error, "What node {Node} wrote as batch {Number} could not be taken over by a part of this node")]
    private static partial void LogFailed(ILogger logger, long number, string node, Exception error);

    [LoggerMessage(5002, LogLevel.Error, "What was to be done here because of what another node wrote has failed")]
    private static partial void LogOwed(ILogger logger, Exception error);
}
