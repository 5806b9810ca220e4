using System.Text.Json;
using System.Text.Json.Serialization;

namespace WebMessenger.Broker.Admin;

/// <summary>It is done, and there is nothing more to say.</summary>
internal sealed record Nothing
{
    public static Nothing More { get; } = new();
}

/// <param name="Cursor">To be given for the next page; left out: this is the last.</param>
internal sealed record AccountsPage(AccountView[] Accounts, string? Cursor);

/// <param name="Kind">`person` or `guest`.</param>
/// <param name="LastSeen">Left out: it never was here since the account was made, or is signed in by nothing any more.</param>
/// <param name="LoginSessions">Access tokens not counted.</param>
/// <param name="Connections">By MQTT, of pages as well.</param>
internal sealed record AccountView(
    string User,
    string Name,
    string Kind,
    bool IsAdmin,
    string Since,
    string? LastSeen,
    int LoginSessions,
    int Connections,
    string? BannedUntil,
    bool Banned,
    string? BanReason);

internal sealed record LinkView(string Url, string ExpiresAt)
{
    // A record would print the secret.
    public override string ToString() => ExpiresAt;
}

/// <param name="Cursor">As of <see cref="AccountsPage"/>.</param>
internal sealed record RoomsPage(AdminRoomView[] Rooms, string? Cursor);

/// <param name="Owner">User name; left out: nobody has it.</param>
/// <param name="Present">Accounts that are there now.</param>
/// <param name="Events">That are kept.</param>
/// <param name="Bytes">About what they take on the disk.</param>
/// <param name="LastActivity">When its newest event was stored; left out: there is none.</param>
/// <param name="Orphaned">As <see cref="RoomsWanted.Orphaned"/> finds it.</param>
internal sealed record AdminRoomView(
    string Room,
    string Title,
    string Visibility,
    string Entry,
    string? Owner,
    int Members,
    int Present,
    long Events,
    long Bytes,
    string Since,
    string? LastActivity,
    bool Archived,
    bool Orphaned);

/// <param name="Cursor">To be given as `before` for the next page; left out: this is the last.</param>
internal sealed record AuditEntries(AuditEntry[] Entries, string? Cursor);

/// <summary>One thing that was done. Names are those of then.</summary>
/// <param name="By">User name of an administrator, or `operator`.</param>
internal sealed record AuditEntry(string At, string By, string Act, string? Target, string? Detail, string? Until);

internal sealed record Overview(
    string Version,
    string StartedAt,
    string Runtime,
    HealthView[] Health,
    StoreView[] Stores,
    DiskView? Disk,
    int Connections,
    int Browsers,
    int ClientsOfDevices,
    AccountCounts Accounts,
    RoomCounts Rooms,
    RatesView Rates,
    string? DamagedSince,
    ClusterView? Cluster);

/// <summary>The nodes, where there are several; all other figures are of the one that answers.</summary>
/// <param name="Node">The name of the one that answers.</param>
/// <param name="Others">Names of those that it is in touch with.</param>
internal sealed record ClusterView(string Node, IReadOnlyList<string> Others);

/// <param name="State">`good`, `warn` or `bad`.</param>
internal sealed record HealthView(string Name, string State, string Detail);

internal sealed record StoreView(string Name, long Bytes);

internal sealed record DiskView(long FreeBytes, long TotalBytes);

internal sealed record AccountCounts(int Registered, int Guests, int Administrators);

internal sealed record RoomCounts(int Public, int Private, int Archived);

/// <summary>Of the last ten seconds.</summary>
/// <param name="MessagesPerSecond">Events that were stored in rooms.</param>
/// <param name="DeliveriesPerSecond">To how many clients they went, all together.</param>
internal sealed record RatesView(double MessagesPerSecond, double DeliveriesPerSecond, double BytesInPerSecond, double BytesOutPerSecond);

/// <param name="From">When the first step began.</param>
internal sealed record FiguresView(int StepSeconds, string From, FigureSeries[] Series);

/// <param name="Unit">`count`, `per_second`, `ms` or `bytes`.</param>
/// <param name="Values">One a step, the oldest first; null: it was not measured.</param>
internal sealed record FigureSeries(string Name, string Unit, double?[] Values);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(AccountsPage))]
[JsonSerializable(typeof(AccountView))]
[JsonSerializable(typeof(LinkView))]
[JsonSerializable(typeof(RoomsPage))]
[JsonSerializable(typeof(AdminRoomView))]
[JsonSerializable(typeof(AuditEntries))]
[JsonSerializable(typeof(Overview))]
[JsonSerializable(typeof(FiguresView))]
[JsonSerializable(typeof(SettingsPage))]
[JsonSerializable(typeof(ProofRequest))]
[JsonSerializable(typeof(BanAsked))]
[JsonSerializable(typeof(OwnerAsked))]
[JsonSerializable(typeof(Dictionary<string, JsonElement>))]
[JsonSerializable(typeof(Nothing))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(JsonElement))]
internal sealed partial class AdminJson : JsonSerializerContext;

/// <param name="Password">The administrator's own; null: he has proven it of late.</param>
internal sealed record ProofRequest(string? Password = null);

internal sealed record BanAsked(DateTimeOffset? Until = null, string? Reason = null);

internal sealed record OwnerAsked(string? User = null);
