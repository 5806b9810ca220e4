using System.Text;

namespace WebMessenger.Storage.EventLog;

/// <summary>What callers of the log may ask for. Anything else is a bug of theirs: <see cref="ArgumentException"/>.</summary>
internal static class LogArguments
{
    private const int MaxPage = 1_000;

    public static void CheckLimit(int limit)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(limit, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(limit, MaxPage);
    }

    public static void CheckName(LogName log)
    {
        if (string.IsNullOrEmpty(log.Value) || log.Value.Length > LogRecords.MaxName || !Ascii.IsValid(log.Value) || log.Value.Contains('\0'))
        {
            throw new ArgumentException("Not a log's name.", nameof(log));
        }
    }

    public static void CheckAppend(PendingAppend append)
    {
        CheckName(append.Log);
        if (append.Author.Length > LogRecords.MaxAuthor || Encoding.UTF8.GetByteCount(append.Author) > LogRecords.MaxAuthor
            || append.Id is { } id && (id.Length > LogRecords.MaxId || Encoding.UTF8.GetByteCount(id) > LogRecords.MaxId))
        {
            throw new ArgumentException("The author's or the event's id is too long.", nameof(append));
        }

        CheckKeys(append.Changes, append.Conditions);
    }

    public static void CheckKeys(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions)
    {
        for (var i = 0; i < changes.Count; i++)
        {
            CheckKey(changes[i].Key);
        }

        for (var i = 0; i < conditions.Count; i++)
        {
            CheckKey(conditions[i].Key);
        }
    }

    private static void CheckKey(byte[] key)
    {
        if (key is not { Length: > 0 and <= LogRecords.MaxRecordKey })
        {
            throw new ArgumentException("A record's key has 1 to 1,024 bytes.", nameof(key));
        }
    }
}
