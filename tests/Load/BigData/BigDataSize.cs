using System.Buffers.Text;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.BigData;

/// <summary>How much is in a data folder that is made for measuring.</summary>
/// <param name="Memberships">All together; shared out over the accounts.</param>
/// <param name="Events">All together; shared out over the rooms.</param>
/// <param name="Kept">Clients that are away and are kept, one of an account.</param>
internal sealed record BigDataSize(int Accounts, int Rooms, int Memberships, long Events, int Kept)
{
    /// <summary>What is said has words as a language has; else it is all but the same.</summary>
    public bool IsSpoken { get; init; }

    /// <summary>All was said so long ago.</summary>
    public int DaysAgo { get; init; }

    public static string UserName(int account) => string.Create(CultureInfo.InvariantCulture, $"member-{account}");

    public static string AccountId(int account) => string.Create(CultureInfo.InvariantCulture, $"abig{account:0000000000}");

    public static string RoomId(int room) => string.Create(CultureInfo.InvariantCulture, $"big-{room}");

    /// <summary>Always the same, so that a folder that is used again needs no list of them.</summary>
    public static Login Login(int account)
    {
        var seed = Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"big data {account}"));
        return new Login(UserName(account), "wm_" + Base64Url.EncodeToString(SHA256.HashData(seed)));
    }

    /// <summary>The rooms that an account is a member of: each room has as many members as any other.</summary>
    public IEnumerable<int> RoomsOf(int account)
    {
        var count = (Memberships / Accounts) + (account < Memberships % Accounts ? 1 : 0);
        var step = Math.Max(1, Rooms / Math.Max(1, count));
        return Enumerable.Range(0, Math.Min(count, Rooms)).Select(i => (account + (i * step)) % Rooms).Distinct();
    }

    /// <summary>One that it is not a member of.</summary>
    public int OtherRoom(int account)
    {
        var own = RoomsOf(account).ToHashSet();
        return Enumerable.Range(account + 1, Rooms).Select(room => room % Rooms).First(room => !own.Contains(room));
    }
}
