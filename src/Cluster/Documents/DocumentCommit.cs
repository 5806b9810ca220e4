using Npgsql;
using NpgsqlTypes;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Cluster.Documents;

/// <summary>One commit of documents: looks at all that it changes before it changes anything, so with a conflict there is nothing to
/// undo.</summary>
/// <param name="completed">Called on the writer's thread, before the caller hears of it: what was changed, or null when nobody
/// knows.</param>
internal sealed class DocumentCommit(IReadOnlyList<DocumentChange> changes, Action<IReadOnlyList<DocumentChanged>?> completed) : DocumentWork
{
    // Without the option the caller's continuation would run on the writer's thread, and everybody else would wait for it.
    private readonly TaskCompletionSource<CommitOutcome> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long[] _versions = new long[changes.Count];
    private readonly string?[] _owners = new string?[changes.Count];
    private readonly List<ReplicatedDocument> _made = [];
    private CommitOutcome _outcome = CommitOutcome.Done;

    public Task<CommitOutcome> Done => _done.Task;

    public override IReadOnlyList<ReplicatedDocument> Changes => _made;

    public override void AddReads(NpgsqlBatch reads)
    {
        var documents = Indexes(change => change is DocumentChange.Put or DocumentChange.Delete);
        if (documents.Count > 0)
        {
            reads.BatchCommands.Add(Command(
                "SELECT k.i, d.version FROM unnest($1, $2, $3) AS k(i, collection, id) JOIN documents d ON d.collection = k.collection AND d.id = k.id",
                documents.ToArray(), documents.ConvertAll(i => NameOf(changes[i]).Collection).ToArray(), documents.ConvertAll(i => NameOf(changes[i]).Id).ToArray()));
        }

        var claims = Indexes(change => change is DocumentChange.Claim);
        if (claims.Count > 0)
        {
            var claimed = claims.ConvertAll(i => (DocumentChange.Claim)changes[i]);
            reads.BatchCommands.Add(Command(
                "SELECT k.i, c.owner FROM unnest($1, $2, $3) AS k(i, scope, value) JOIN claims c ON c.scope = k.scope AND c.value = k.value",
                claims.ToArray(), claimed.ConvertAll(claim => claim.Scope).ToArray(), claimed.ConvertAll(claim => claim.Value).ToArray()));
        }
    }

    public override async Task ReadAsync(NpgsqlDataReader reader, CancellationToken cancellation)
    {
        // It may be its second time.
        Array.Clear(_versions);
        Array.Clear(_owners);
        var hasDocuments = changes.Any(change => change is DocumentChange.Put or DocumentChange.Delete);
        while (hasDocuments && await reader.ReadAsync(cancellation))
        {
            _versions[reader.GetInt32(0)] = reader.GetInt64(1);
        }

        if (!changes.Any(change => change is DocumentChange.Claim) || (hasDocuments && !await reader.NextResultAsync(cancellation)))
        {
            return;
        }

        while (await reader.ReadAsync(cancellation))
        {
            _owners[reader.GetInt32(0)] = reader.GetString(1);
        }
    }

    public override bool Decide()
    {
        _made.Clear();
        var conflicts = changes.Select((change, i) => DocumentRules.ConflictOf(change, _versions[i], _owners[i])).OfType<DocumentConflict>().ToList();
        _outcome = conflicts.Count > 0 ? new CommitOutcome(conflicts) : CommitOutcome.Done;
        if (conflicts.Count > 0)
        {
            return false;
        }

        for (var i = 0; i < changes.Count; i++)
        {
            if (changes[i] is DocumentChange.Put put)
            {
                _made.Add(new ReplicatedDocument(put.Collection, put.Id, _versions[i] + 1, put.Json));
            }
            else if (changes[i] is DocumentChange.Delete delete && _versions[i] > 0)
            {
                _made.Add(new ReplicatedDocument(delete.Collection, delete.Id, 0, default));
            }
        }

        return _made.Count > 0 || changes.Any(change => change is DocumentChange.Claim or DocumentChange.GiveBack);
    }

    public override void AddWrites(NpgsqlBatch writes)
    {
        var puts = _made.FindAll(document => !document.IsDeleted);
        if (puts.Count > 0)
        {
            writes.BatchCommands.Add(Command(
                """
                INSERT INTO documents (collection, id, version, json) SELECT k.collection, k.id, k.version, k.json::json FROM unnest($1, $2, $3, $4) AS k(collection, id, version, json)
                ON CONFLICT (collection, id) DO UPDATE SET version = EXCLUDED.version, json = EXCLUDED.json
                """,
                puts.ConvertAll(put => put.Collection).ToArray(), puts.ConvertAll(put => put.Id).ToArray(), puts.ConvertAll(put => put.Version).ToArray(),
                puts.ConvertAll(put => System.Text.Encoding.UTF8.GetString(put.Json.Span)).ToArray()));
        }

        var deletes = _made.FindAll(document => document.IsDeleted);
        if (deletes.Count > 0)
        {
            writes.BatchCommands.Add(Command(
                "DELETE FROM documents d USING unnest($1, $2) AS k(collection, id) WHERE d.collection = k.collection AND d.id = k.id",
                deletes.ConvertAll(delete => delete.Collection).ToArray(), deletes.ConvertAll(delete => delete.Id).ToArray()));
        }

        var claims = changes.OfType<DocumentChange.Claim>().ToList();
        if (claims.Count > 0)
        {
            // Who has it already is its owner: else it would be a conflict.
            writes.BatchCommands.Add(Command(
                "INSERT INTO claims (scope, value, owner) SELECT k.scope, k.value, k.owner FROM unnest($1, $2, $3) AS k(scope, value, owner) ON CONFLICT DO NOTHING",
                claims.ConvertAll(claim => claim.Scope).ToArray(), claims.ConvertAll(claim => claim.Value).ToArray(), claims.ConvertAll(claim => claim.Owner).ToArray()));
        }

        var given = changes.OfType<DocumentChange.GiveBack>().ToList();
        if (given.Count > 0)
        {
            writes.BatchCommands.Add(Command(
                "DELETE FROM claims c USING unnest($1, $2, $3) AS k(scope, value, owner) WHERE c.scope = k.scope AND c.value = k.value AND c.owner = k.owner",
                given.ConvertAll(one => one.Scope).ToArray(), given.ConvertAll(one => one.Value).ToArray(), given.ConvertAll(one => one.Owner).ToArray()));
        }
    }

    public override void Complete(Exception? failed)
    {
        if (failed is null)
        {
            completed(_outcome.IsDone ? _made.ConvertAll(document => new DocumentChanged(document.Collection, document.Id, document.Version)) : []);
            _done.TrySetResult(_outcome);
        }
        else
        {
            completed(null);
            _done.TrySetException(failed);
        }
    }

    private List<int> Indexes(Func<DocumentChange, bool> which) => [.. Enumerable.Range(0, changes.Count).Where(i => which(changes[i]))];

    private static (string Collection, string Id) NameOf(DocumentChange change) => change switch
    {
        DocumentChange.Put put => (put.Collection, put.Id),
        DocumentChange.Delete delete => (delete.Collection, delete.Id),
        _ => throw new InvalidOperationException("A claim has no document."),
    };

    private static NpgsqlBatchCommand Command(string sql, params Array[] columns)
    {
        NpgsqlBatchCommand command = new(sql);
        foreach (var column in columns)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = column, NpgsqlDbType = NpgsqlDbType.Array | TypeOf(column) });
        }

        return command;
    }

    private static NpgsqlDbType TypeOf(Array column) => column switch
    {
        int[] => NpgsqlDbType.Integer,
        long[] => NpgsqlDbType.Bigint,
        _ => NpgsqlDbType.Text,
    };
}
