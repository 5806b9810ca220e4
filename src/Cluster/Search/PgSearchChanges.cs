using Npgsql;
using NpgsqlTypes;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Search;

namespace WebMessenger.Cluster.Search;

/// <summary>One list of changes, written within the transaction of a connection.</summary>
/// <remarks>What comes out of them all together is written: first what goes, then what is put.</remarks>
internal sealed class PgSearchChanges(NpgsqlConnection connection)
{
    private readonly Dictionary<LogName, SortedDictionary<long, IndexChange.Put>> _puts = [];
    private readonly List<IndexChange.Remove> _removals = [];

    public void Run(IReadOnlyList<IndexChange> changes)
    {
        foreach (var change in changes)
        {
            if (change is IndexChange.Put put)
            {
                PutsOf(put.Log)[put.Seq] = put;
            }
            else if (change is IndexChange.Remove remove)
            {
                Remove(remove);
            }
        }

        Remove();
        Put();
        Forget();
    }

    private SortedDictionary<long, IndexChange.Put> PutsOf(LogName log)
    {
        if (!_puts.TryGetValue(log, out var puts))
        {
            _puts[log] = puts = [];
        }

        return puts;
    }

    private void Remove(IndexChange.Remove remove)
    {
        _removals.Add(remove);
        var puts = PutsOf(remove.Log);
        if (remove.From == remove.To)
        {
            puts.Remove(remove.From);
            return;
        }

        foreach (var seq in puts.Keys.Where(seq => seq >= remove.From && seq <= remove.To).ToList())
        {
            puts.Remove(seq);
        }
    }

    private void Remove()
    {
        if (_removals.Count > 0)
        {
            Execute(
                """
                DELETE FROM search_entries e USING unnest($1, $2, $3) AS r(name, first, last), search_logs l
                WHERE l.name = r.name AND e.log_id = l.id AND e.seq BETWEEN r.first AND r.last
                """,
                _removals.ConvertAll(remove => remove.Log.Value).ToArray(), _removals.ConvertAll(remove => remove.From).ToArray(),
                _removals.ConvertAll(remove => remove.To).ToArray());
        }
    }

    private void Put()
    {
        var puts = _puts.Values.SelectMany(puts => puts.Values).ToList();
        if (puts.Count == 0)
        {
            return;
        }

        Execute("INSERT INTO search_logs (name) SELECT DISTINCT unnest($1) ON CONFLICT DO NOTHING", puts.Select(put => put.Log.Value).Distinct().ToArray());
        var words = puts.ConvertAll(put => FoldedWords.Of(put.Words));

        // Its time stays, but for an entry of a log that was begun anew.
        Execute(
            """
            INSERT INTO search_entries (log_id, seq, at, length, words)
            SELECT l.id, p.seq, p.at, p.length, array_to_tsvector(string_to_array(p.words, ' '))
            FROM unnest($1, $2, $3, $4, $5) AS p(name, seq, at, length, words) JOIN search_logs l ON l.name = p.name
            ON CONFLICT (log_id, seq) DO UPDATE SET at = EXCLUDED.at, length = EXCLUDED.length, words = EXCLUDED.words
            WHERE search_entries.words <> EXCLUDED.words OR search_entries.at <> EXCLUDED.at OR search_entries.length <> EXCLUDED.length
            """,
            puts.ConvertAll(put => put.Log.Value).ToArray(), puts.ConvertAll(put => put.Seq).ToArray(), puts.ConvertAll(put => put.At.ToUnixTimeMilliseconds()).ToArray(),
            words.ConvertAll(one => one.Count).ToArray(), words.ConvertAll(one => string.Join(' ', one)).ToArray());
    }

    // A log that is gone as a whole has a name no more.
    private void Forget()
    {
        var gone = _removals.FindAll(remove => remove.To == long.MaxValue);
        if (gone.Count > 0)
        {
            Execute(
                "DELETE FROM search_logs l WHERE l.name = ANY ($1) AND NOT EXISTS (SELECT FROM search_entries e WHERE e.log_id = l.id)",
                gone.Select(remove => remove.Log.Value).Distinct().ToArray());
        }
    }

    private void Execute(string sql, params Array[] columns)
    {
        using NpgsqlCommand command = new(sql, connection);
        foreach (var column in columns)
        {
            command.Parameters.Add(new NpgsqlParameter { Value = column, NpgsqlDbType = NpgsqlDbType.Array | TypeOf(column) });
        }

        command.ExecuteNonQuery();
    }

    private static NpgsqlDbType TypeOf(Array column) => column switch
    {
        int[] => NpgsqlDbType.Integer,
        long[] => NpgsqlDbType.Bigint,
        _ => NpgsqlDbType.Text,
    };
}
