using Npgsql;
using NpgsqlTypes;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>Reads records and the names of logs out of the database.</summary>
internal static class PgRecordReads
{
    public static byte[]? Find(NpgsqlConnection connection, byte[] key)
    {
        using NpgsqlCommand command = new("SELECT value FROM records WHERE key = $1", connection) { Parameters = { Of(key) } };
        return (byte[]?)command.ExecuteScalar();
    }

    /// <summary>Those whose keys begin with a prefix, in the order of keys, from behind one of them on; empty: from the first.</summary>
    public static IReadOnlyList<KeyValuePair<byte[], byte[]>> Read(PgReads reads, ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(prefix.Length, LogRecords.MaxRecordKey, nameof(prefix));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(after.Length, LogRecords.MaxRecordKey, nameof(after));
        if (!after.IsEmpty && !after.StartsWith(prefix))
        {
            throw new ArgumentException("Not a key of that prefix.", nameof(after));
        }

        var (first, last) = (prefix.ToArray(), after.ToArray());
        // What begins with 0xFF only has no end.
        byte[]? end = prefix.IndexOfAnyExcept((byte)0xFF) < 0 ? null : LogRecords.EndOfPrefix(prefix);
        return reads.Read(connection => Read(connection, first, last, end, limit));
    }

    public static IReadOnlyList<LogName> Logs(NpgsqlConnection connection, LogName? after, int limit)
    {
        using NpgsqlCommand command = new("SELECT name FROM logs WHERE name > $1 AND head > 0 ORDER BY name LIMIT $2", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = after?.Value ?? "", NpgsqlDbType = NpgsqlDbType.Text }, PgLook.Of(limit) },
        };
        using var reader = command.ExecuteReader();
        List<LogName> logs = [];
        while (reader.Read())
        {
            logs.Add(LogName.Stored(reader.GetString(0)));
        }

        return logs;
    }

    private static List<KeyValuePair<byte[], byte[]>> Read(NpgsqlConnection connection, byte[] first, byte[] after, byte[]? end, int limit)
    {
        using NpgsqlCommand command = new() { Connection = connection };
        command.CommandText = (after.Length == 0, end is null) switch
        {
            (true, true) => "SELECT key, value FROM records WHERE key >= $1 ORDER BY key LIMIT $2",
            (false, true) => "SELECT key, value FROM records WHERE key > $1 ORDER BY key LIMIT $2",
            (true, false) => "SELECT key, value FROM records WHERE key >= $1 AND key < $3 ORDER BY key LIMIT $2",
            (false, false) => "SELECT key, value FROM records WHERE key > $1 AND key < $3 ORDER BY key LIMIT $2",
        };
        command.Parameters.Add(Of(after.Length == 0 ? first : after));
        command.Parameters.Add(PgLook.Of(limit));
        if (end is not null)
        {
            command.Parameters.Add(Of(end));
        }

        using var reader = command.ExecuteReader();
        List<KeyValuePair<byte[], byte[]>> records = [];
        while (reader.Read())
        {
            records.Add(new(reader.GetFieldValue<byte[]>(0), reader.GetFieldValue<byte[]>(1)));
        }

        return records;
    }

    private static NpgsqlParameter<byte[]> Of(byte[] value) => new() { TypedValue = value, NpgsqlDbType = NpgsqlDbType.Bytea };
}
