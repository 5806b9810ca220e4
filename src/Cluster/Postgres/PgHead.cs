using System.Security.Cryptography;
using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>A log's head as stored.</summary>
/// <param name="Id">Of this life of the log in the database; 0: it has no row yet.</param>
/// <param name="LastAt">When its last event was stored, in milliseconds since 1970.</param>
internal sealed record PgHead(long Id, string Epoch, long Head, long First, long LastAt)
{
    /// <summary>Of a log that was never used: every node gives it the same epoch, so that nobody has to write one first.</summary>
    public static PgHead Unused(string journalEpoch, LogName log)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.ASCII.GetBytes($"{journalEpoch}/{log.Value}"), hash);
        Span<char> epoch = stackalloc char[6];
        for (var i = 0; i < epoch.Length; i++)
        {
            epoch[i] = "abcdefghijklmnopqrstuvwxyz0123456789"[hash[i] % 36];
        }

        return new(0, new string(epoch), 0, 0, 0);
    }

    public LogHead ToHead() => new(Epoch, Head, First);
}

/// <summary>What is remembered of an id.</summary>
internal readonly record struct PgId(long LogId, UInt128 ContentHash, long Seq, long At);

/// <summary>An event as stored.</summary>
/// <param name="Key">Of its id; null: it has none.</param>
internal sealed record PgEvent(long LogId, long At, byte[] Author, Guid? Key, byte[] Body, long ChangedBy);
