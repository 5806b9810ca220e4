using System.Buffers;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// Who did what to whom in a room, and why: for its moderators and the administrators, in the batch of the event, if there is one
/// (ADR 0074).
/// </summary>
/// <remarks>
/// Key `au/{room key}/{place}`: the newest first, so that a page is what stands at the beginning. Names are those of then, as in events.
/// </remarks>
/// <param name="Type">Of the command; `remove` takes somebody off the list, `destroy` is the end of the room.</param>
/// <param name="Target">Null: it is about the room.</param>
/// <param name="Reason">Null: none was given. Also that which the event does not say.</param>
/// <param name="Until">Null: it has no end.</param>
/// <param name="Role">That was given.</param>
/// <param name="Of">Seq of the message that was deleted. What it said is nowhere.</param>
/// <param name="Changes">The fields of the room that were changed, as they are from then on.</param>
/// <param name="DeleteSince">What he had said in so many minutes was deleted with it.</param>
internal sealed record AuditRecord(
    string Type,
    AuditPerson By,
    AuditPerson? Target = null,
    string? Reason = null,
    DateTimeOffset? Until = null,
    string? Role = null,
    long? Of = null,
    JsonElement? Changes = null,
    int? DeleteSince = null)
{
    /// <summary>The end of a room, which has no event.</summary>
    public const string Destroyed = "destroy";

    /// <summary>Somebody is taken off the list of a room by another, which has no event.</summary>
    public const string Removed = "remove";

    /// <summary>All that was said in the room was taken away in a file.</summary>
    public const string Exported = "export";

    /// <summary>The room was made of a file.</summary>
    public const string Imported = "import";

    private const long LastMillisecond = 9_999_999_999_999;
    private const int RandomBytes = 8;

    private static readonly SearchValues<char> _hex = SearchValues.Create("0123456789abcdef");

    /// <summary>All there are.</summary>
    public static byte[] Prefix => "au/"u8.ToArray();

    public static byte[] PrefixOf(string room) => Encoding.ASCII.GetBytes($"au/{room}/");

    /// <summary>The key of the room that a record is of.</summary>
    public static string RoomOf(byte[] key) => Encoding.ASCII.GetString(key).Split('/')[1];

    /// <summary>Where it stands among those of its room: what a page ends with.</summary>
    public static string PlaceOf(byte[] key) => Encoding.ASCII.GetString(key.AsSpan(key.AsSpan().LastIndexOf((byte)'/') + 1));

    public static DateTimeOffset AtOf(string place) =>
        DateTimeOffset.FromUnixTimeMilliseconds(LastMillisecond - long.Parse(place.AsSpan(0, 13), NumberStyles.None, CultureInfo.InvariantCulture));

    /// <summary>Whether it is one that <see cref="PlaceOf"/> tells.</summary>
    public static bool IsPlace(string place) => place.Length == 14 + (2 * RandomBytes)
        && place[13] == '-'
        && place.AsSpan(0, 13).IndexOfAnyExceptInRange('0', '9') < 0
        && !place.AsSpan(14).ContainsAnyExcept(_hex);

    /// <summary>A place of that time, before all older ones.</summary>
    public static string PlaceAt(DateTimeOffset at) => string.Create(
        CultureInfo.InvariantCulture,
        $"{LastMillisecond - at.ToUnixTimeMilliseconds():D13}-{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes))}");

    /// <summary>For the batch of its event.</summary>
    /// <param name="at">After all that was done in the room before (<see cref="AuditPlaces"/>).</param>
    public RecordChange In(string room, DateTimeOffset at) => new(
        [.. PrefixOf(room), .. Encoding.ASCII.GetBytes(PlaceAt(at))], ReadableJson.Write(this, AuditJson.Default.AuditRecord));

    /// <summary>Null: this program did not write it.</summary>
    public static AuditRecord? Read(byte[] value)
    {
        try
        {
            return JsonSerializer.Deserialize(value, AuditJson.Default.AuditRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>As they were called then.</summary>
internal sealed record AuditPerson(string User, string Name, string Kind)
{
    /// <summary>Who did it at the machine itself. Nobody registers such a user name.</summary>
    public static AuditPerson Operator { get; } = new("operator", "operator", "operator");

    public static AuditPerson Of(Author author) => new(author.User, author.Name, author.Kind);

    public static AuditPerson Of(Account account) => Of(ModerationWords.AuthorOf(account));
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(AuditRecord))]
internal sealed partial class AuditJson : JsonSerializerContext;
