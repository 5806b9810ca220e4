using System.Text;
using Npgsql;
using NpgsqlTypes;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>Reads heads and events out of the database.</summary>
internal static class PgEventReads
{
    /// <summary>The head of a log, null where it has no row, and the last batch that it shows.</summary>
    public static (PgHead? Head, long Number) Head(NpgsqlConnection connection, LogName log)
    {
        using NpgsqlCommand command = new(
            "SELECT h.n, l.id, l.epoch, l.head, l.first, l.last_at FROM journal_head h LEFT JOIN logs l ON l.name = $1", connection)
        {
            Parameters = { new NpgsqlParameter<string> { TypedValue = log.Value, NpgsqlDbType = NpgsqlDbType.Text } },
        };
        using var reader = command.ExecuteReader();
        reader.Read();
        return (
            reader.IsDBNull(1) ? null : new(reader.GetInt64(1), reader.GetString(2), reader.GetInt64(3), reader.GetInt64(4), reader.GetInt64(5)),
            reader.GetInt64(0));
    }

    /// <summary>Events of one life of a log as far as they are there, and a batch that shows why some are not.</summary>
    public static (IReadOnlyList<LogEntry> Entries, long Number) Entries(NpgsqlConnection connection, long logId, long first, long last)
    {
        List<LogEntry> entries = new((int)(last - first + 1));
        using (NpgsqlCommand command = new(
            "SELECT seq, at, author, body, changed_by, changed_at FROM events WHERE log_id = $1 AND seq >= $2 AND seq <= $3 ORDER BY seq", connection)
        {
            Parameters = { PgLook.Of(logId), PgLook.Of(first), PgLook.Of(last) },
        })
        using (var reader = command.ExecuteReader())
        {
            var author = "";
            while (reader.Read())
            {
                author = Author(reader.GetFieldValue<byte[]>(2), author);
                var changedBy = reader.GetInt64(4);
                entries.Add(new(reader.GetInt64(0), DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(1)), author, reader.GetFieldValue<byte[]>(3))
                {
                    ChangedBy = changedBy,
                    ChangedAt = changedBy == 0 ? default : DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(5)),
                });
            }
        }

        if (entries.Count == last - first + 1)
        {
            return (entries, 0);
        }

        using NpgsqlCommand number = new("SELECT n FROM journal_head", connection);
        return (entries, (long)number.ExecuteScalar()!);
    }

    // Events of one author one after the other share its string.
    private static string Author(byte[] utf8, string former)
    {
        var author = Encoding.UTF8.GetString(utf8);
        return author == former ? former : author;
    }
}
