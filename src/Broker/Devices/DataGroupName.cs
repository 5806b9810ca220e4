using System.Text;

namespace WebMessenger.Broker.Devices;

/// <summary>Whose a group is, and how its members call it (decision 33). What it shares is one filter below a room's data topics.</summary>
/// <param name="Account">Id of the account.</param>
/// <param name="Mount">Id of the room that its members take for a whole broker; null: they have no mount.</param>
/// <param name="Share">The name behind `$share/`: without `/`, `+` and `#` [MQTT-4.8.2-2].</param>
internal sealed record DataGroupName(string Account, string? Mount, string Share)
{
    /// <summary>Before the keys of where all groups are.</summary>
    /// <remarks>
    /// A key is `durable/g/{account}/{room key}/{mount}/{share}/{filter}`, its value a <see cref="DataCursorRecord"/> without packet ids.
    /// No part but the filter has a slash.
    /// </remarks>
    public static byte[] RecordsPrefix { get; } = "durable/g/"u8.ToArray();

    /// <summary>The same of an account.</summary>
    public static byte[] RecordsOf(string account) => Encoding.UTF8.GetBytes($"durable/g/{account}/");

    public byte[] KeyFor(string roomKey, string filter) =>
        Encoding.UTF8.GetBytes($"durable/g/{Account}/{roomKey}/{Mount}/{Share}/{filter}");

    /// <summary>Null: this program did not write it.</summary>
    public static (DataGroupName Name, string RoomKey, string Filter)? ReadKey(byte[] key) =>
        Encoding.UTF8.GetString(key.AsSpan(RecordsPrefix.Length)).Split('/', 5) is [var account, var roomKey, var mount, var share, var filter]
            ? (new DataGroupName(account, mount.Length == 0 ? null : mount, share), roomKey, filter)
            : null;
}
