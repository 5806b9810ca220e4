using System.Text;
using Npgsql;
using NpgsqlTypes;
using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.Replication;

namespace WebMessenger.Cluster.Documents;

/// <summary><see cref="IDocuments"/> in PostgreSQL: commits go through the writer of the log, in one order with all that any node
/// writes.</summary>
/// <remarks>Reads are the database's, by a connection of the pool: what is committed there is durable.</remarks>
internal sealed class PgDocuments : IDocuments, IDisposable
{
    // The highest character there is, as often as an id has room for it: all that begins with a prefix is not above the prefix with these.
    private static readonly string _highest = string.Concat(Enumerable.Repeat("\U0010FFFF", DocumentLimits.Id / 4));

    private readonly DocumentFeed _feed = new();
    private readonly Func<DocumentWork, Task> _commit;
    private readonly PooledReads _reads;
    private volatile bool _isOver;
    private int _hasMissed;

    /// <param name="commit">The writer's <c>CommitAsync</c>.</param>
    /// <param name="replication">What other nodes change is told from there.</param>
    public PgDocuments(NpgsqlDataSource database, Func<DocumentWork, Task> commit, IReplication replication)
    {
        (_commit, _reads) = (commit, new PooledReads(database));
        replication.HearDocuments(ReplicationListeners.All, changed => _feed.Tell([new DocumentChanged(changed.Collection, changed.Id, changed.Version)]));
    }

    public async Task<Document?> GetAsync(string collection, string id)
    {
        DocumentRules.ThrowIfNoName(collection);
        DocumentRules.ThrowIfNoText(id, DocumentLimits.Id);
        var found = await ReadAsync(
            "SELECT id, version, json::text FROM documents WHERE collection = $1 AND id = $2", [Text(collection), Text(id)], ReadDocument);
        return found is [var document] ? document : null;
    }

    public async Task<IReadOnlyList<Document>> PageAsync(string collection, string? after, int limit, string prefix = "")
    {
        DocumentRules.ThrowIfNoName(collection);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(limit);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, DocumentLimits.Page);
        if (prefix.Contains('\0', StringComparison.Ordinal))
        {
            return [];
        }

        // No id has U+0000: what is above an id up to there is above all of it.
        after = after?.Split('\0')[0];
        return await ReadAsync(
            "SELECT id, version, json::text FROM documents WHERE collection = $1 AND id >= $2 AND id <= $3 AND ($4 IS NULL OR id > $4) ORDER BY id LIMIT $5",
            [
                Text(collection), Text(Later(WellFormed(prefix), after is null ? "" : WellFormed(after))), Text(WellFormed(prefix) + _highest),
                Text(after is null ? null : WellFormed(after)), new() { Value = limit },
            ],
            ReadDocument);
    }

    public async Task<string?> OwnerAsync(string scope, string value)
    {
        DocumentRules.ThrowIfNoName(scope);
        DocumentRules.ThrowIfNoText(value, DocumentLimits.ClaimedValue);
        var found = await ReadAsync("SELECT owner FROM claims WHERE scope = $1 AND value = $2", [Text(scope), Text(value)], reader => reader.GetString(0));
        return found is [var owner] ? owner : null;
    }

    public async Task<CommitOutcome> CommitAsync(IReadOnlyList<DocumentChange> changes)
    {
        DocumentChange.ThrowIfForbidden(changes);
        ObjectDisposedException.ThrowIf(_isOver, this);
        DocumentCommit work = new(changes, Completed);
        try
        {
            await _commit(work);
            return await work.Done;
        }
        catch (Exception error) when (PgErrors.IsOf(error) || error is ObjectDisposedException)
        {
            ObjectDisposedException.ThrowIf(_isOver || error is ObjectDisposedException, this);
            throw error.ToIOException();
        }
    }

    public DocumentFollower Follow() => _feed.Follow();

    /// <summary>Whoever reads or writes from now on hears that it is over, and whoever follows as well. The writer ends by
    /// itself.</summary>
    public void Dispose()
    {
        _isOver = true;
        _reads.End();
        _feed.End();
    }

    // On the writer's thread, in the order of the commits.
    private void Completed(IReadOnlyList<DocumentChanged>? made)
    {
        if (made is null)
        {
            // Nobody is sent to read what cannot be read just now.
            Volatile.Write(ref _hasMissed, 1);
            return;
        }

        IsBack();
        _feed.Tell(made);
    }

    // Of what was refused while it was away, some may be there.
    private void IsBack()
    {
        if (Volatile.Read(ref _hasMissed) == 1 && Interlocked.Exchange(ref _hasMissed, 0) == 1)
        {
            _feed.Missed();
        }
    }

    private async Task<List<T>> ReadAsync<T>(string sql, NpgsqlParameter[] parameters, Func<NpgsqlDataReader, T> row)
    {
        var rows = await _reads.ReadAsync(
            () =>
            {
                NpgsqlCommand command = new(sql);
                command.Parameters.AddRange(Array.ConvertAll(parameters, parameter => parameter.Clone()));
                return command;
            },
            async reader =>
            {
                List<T> rows = [];
                while (await reader.ReadAsync())
                {
                    rows.Add(row(reader));
                }

                return rows;
            });
        IsBack();
        return rows;
    }

    private static Document ReadDocument(NpgsqlDataReader reader) =>
        new(reader.GetString(0), reader.GetInt64(1), Encoding.UTF8.GetBytes(reader.GetString(2)));

    private static NpgsqlParameter Text(string? value) => new() { Value = (object?)value ?? DBNull.Value, NpgsqlDbType = NpgsqlDbType.Text };

    // As the bytes of others are: a lone half of a character is nowhere stored.
    private static string WellFormed(string text) => Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(text));

    private static string Later(string one, string other) =>
        Encoding.UTF8.GetBytes(one).AsSpan().SequenceCompareTo(Encoding.UTF8.GetBytes(other)) >= 0 ? one : other;
}
