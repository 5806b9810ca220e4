using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Reports;

/// <summary>A message that somebody reported, as it was then: stored under `report/{room key}/{id}`, the newest first.</summary>
/// <param name="Room">The key of the room.</param>
/// <param name="Seq">Of the message.</param>
/// <param name="AuthorId">Account id of who said it.</param>
/// <param name="Author">As he was called in the message.</param>
/// <param name="From">Account id of who reported it.</param>
/// <param name="IsByGuest">A guest did.</param>
/// <param name="IsActed">Something was done about it, or not; null: nobody has decided.</param>
/// <param name="DecidedBy">Account id.</param>
internal sealed record Report(
    string Room,
    string Id,
    long Seq,
    string AuthorId,
    AuditPerson Author,
    string Text,
    string Reason,
    string From,
    bool IsByGuest,
    DateTimeOffset At,
    bool? IsActed = null,
    string? DecidedBy = null,
    DateTimeOffset? DecidedAt = null)
{
    /// <summary>It is kept for so long at most.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromDays(30);

    /// <summary>And for so long after somebody has decided.</summary>
    public static readonly TimeSpan KeptDecided = TimeSpan.FromDays(1);

    /// <summary>Of all.</summary>
    public static ReadOnlySpan<byte> Prefix => "report/"u8;

    /// <summary>Records `reports/{id}/{room key}` without a value: all of all rooms, the newest first.</summary>
    public static ReadOnlySpan<byte> IndexPrefix => "reports/"u8;

    public bool IsOpen => IsActed is null;

    /// <summary>From then on it is shown to nobody, and goes from the disk within the hour.</summary>
    public DateTimeOffset Until =>
        DecidedAt is { } decided && decided + KeptDecided < At + Lifetime ? decided + KeptDecided : At + Lifetime;

    public static byte[] PrefixOf(string room) => Encoding.ASCII.GetBytes($"report/{room}/");

    public static byte[] Key(string room, string id) => Encoding.ASCII.GetBytes($"report/{room}/{id}");

    public byte[] Key() => Key(Room, Id);

    public static byte[] IndexKey(string room, string id) => Encoding.ASCII.GetBytes($"reports/{id}/{room}");

    /// <summary>The room's key and the id of one of <see cref="IndexPrefix"/>.</summary>
    public static (string Room, string Id) InIndex(byte[] key) =>
        Encoding.ASCII.GetString(key).Split('/') is [_, var id, var room] ? (room, id) : default;

    public byte[] Value() => ReadableJson.Write(
        new StoredReport(
            Seq, AuthorId, Author, Text, Reason, From, IsByGuest, At.ToUnixTimeMilliseconds(),
            IsActed, DecidedBy, DecidedAt?.ToUnixTimeMilliseconds()),
        StoredReportJson.Default.StoredReport);

    /// <summary>Null: this program did not write it, and it is shown to nobody.</summary>
    public static Report? Read(byte[] key, byte[] value)
    {
        try
        {
            var place = Encoding.ASCII.GetString(key).Split('/');
            return JsonSerializer.Deserialize(value, StoredReportJson.Default.StoredReport) is { } stored
                ? new Report(
                    place[1], place[2], stored.Seq, stored.AuthorId, stored.Author, stored.Text, stored.Reason, stored.From, stored.IsByGuest,
                    Time(stored.At), stored.IsActed, stored.DecidedBy, stored.DecidedAt is { } at ? Time(at) : null)
                : null;
        }
        catch (Exception error) when (error is JsonException or ArgumentException)
        {
            return null;
        }
    }

    private static DateTimeOffset Time(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}

/// <summary>Times are milliseconds since 1970.</summary>
internal sealed record StoredReport(
    long Seq,
    string AuthorId,
    AuditPerson Author,
    string Text,
    string Reason,
    string From,
    bool IsByGuest,
    long At,
    bool? IsActed,
    string? DecidedBy,
    long? DecidedAt);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true)]
[JsonSerializable(typeof(StoredReport))]
internal sealed partial class StoredReportJson : JsonSerializerContext;
