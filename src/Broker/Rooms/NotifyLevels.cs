using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What of a room an account wants to be called for.</summary>
internal enum NotifyLevel : byte
{
    /// <summary>Every message. Where nothing else is said.</summary>
    All = 0,

    /// <summary>Where it is named or answered.</summary>
    Mentions = 1,

    Nothing = 2,
}

/// <summary>The levels of all accounts: records `nl/{account}/{log}`, one for each that is not <see cref="NotifyLevel.All"/>.</summary>
internal sealed class NotifyLevels(IRecords records)
{
    /// <summary>Before the keys of all of an account's levels.</summary>
    public static byte[] Prefix(string accountId) => Encoding.ASCII.GetBytes($"nl/{accountId}/");

    public static byte[] Key(string accountId, LogName room) => Encoding.ASCII.GetBytes($"nl/{accountId}/{room.Value}");

    public static string NameOf(NotifyLevel level) => level switch
    {
        NotifyLevel.All => "all",
        NotifyLevel.Mentions => "mentions",
        NotifyLevel.Nothing => "nothing",
        _ => throw new InvalidOperationException($"{level}"),
    };

    /// <summary>Null: no level is called so.</summary>
    public static NotifyLevel? Parse(string? name) => name switch
    {
        "all" => NotifyLevel.All,
        "mentions" => NotifyLevel.Mentions,
        "nothing" => NotifyLevel.Nothing,
        _ => null,
    };

    /// <summary>Completes when it is on disk; fails with <see cref="IOException"/> when it cannot be written.</summary>
    public Task SetAsync(string accountId, LogName room, NotifyLevel level) =>
        records.WriteAsync([new RecordChange(Key(accountId, room), level == NotifyLevel.All ? null : [(byte)level])]);

    /// <summary>Reads the disk.</summary>
    public NotifyLevel Of(string accountId, LogName room) => Read(records.Find(Key(accountId, room)));

    /// <summary>By the names of the logs, those that are not <see cref="NotifyLevel.All"/>. Reads the disk.</summary>
    public IReadOnlyDictionary<string, NotifyLevel> Of(string accountId)
    {
        var prefix = Prefix(accountId);
        return records.ReadAll(prefix).ToDictionary(record => Encoding.ASCII.GetString(record.Key.AsSpan(prefix.Length)), record => Read(record.Value));
    }

    private static NotifyLevel Read(byte[]? stored) => stored is [var level] && Enum.IsDefined((NotifyLevel)level) ? (NotifyLevel)level : NotifyLevel.All;
}
