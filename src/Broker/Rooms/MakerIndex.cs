using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Records `maker/{account}/{record key}` without a value: what an account has made in rooms is found when it ends (fault R3).
/// </summary>
/// <remarks>
/// Written in the batch of what they point to. Where they point to nothing, or to what is somebody else's by now, they mean nothing:
/// who reads them looks, and takes such a one away.
/// </remarks>
internal static class MakerIndex
{
    public static RecordChange Made(string account, byte[] key) => new(Of(account, key), []);

    public static RecordChange Gone(string account, byte[] key) => new(Of(account, key), null);

    /// <summary>What the account made, of the kind with this prefix: records `{prefix}{room key}/{id}`. Reads the disk.</summary>
    public static IReadOnlyList<(string RoomKey, byte[] Key)> MadeBy(IRecords records, string account, ReadOnlySpan<byte> prefix)
    {
        var (all, length) = (Of(account, prefix), prefix.Length);
        return [.. records.ReadAll(all).Select(record => record.Key[(all.Length - length)..])
            .Select(key => (Encoding.ASCII.GetString(key).Split('/')[1], key))];
    }

    private static byte[] Of(string account, ReadOnlySpan<byte> key) => [.. Encoding.ASCII.GetBytes($"maker/{account}/"), .. key];
}
