using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// What somebody who was put out of a room had said there is still to be deleted: in the batch of the event that put him out, so that a
/// crash leaves nothing of it (ADR 0076).
/// </summary>
/// <remarks>Key `ds/{room key}/{actor}/{event id}`. Times in milliseconds since 1970.</remarks>
/// <param name="Account">Account id of whose words they are.</param>
/// <param name="By">Account id of who deletes them.</param>
/// <param name="Person">The same, as the events name him.</param>
/// <param name="Since">What was said before stays.</param>
/// <param name="At">When he was put out. What he says when he is back stays.</param>
/// <param name="Id">Of the event that put him out: nothing behind it is deleted.</param>
/// <param name="After">Up to this seq it is done; 0: nothing is.</param>
internal sealed record DeletingDue(string Account, string By, AuditPerson Person, long Since, long At, string Id, long After = 0)
{
    /// <summary>All there are.</summary>
    public static byte[] Prefix => "ds/"u8.ToArray();

    [JsonIgnore]
    public Author Author => new(By, Person.User, Person.Name, Person.Kind);

    /// <summary>All of a room.</summary>
    public static byte[] PrefixOf(string room) => Encoding.ASCII.GetBytes($"ds/{room}/");

    /// <summary>The key of the room that a record is of.</summary>
    public static string RoomOf(byte[] key)
    {
        var rest = key.AsSpan(Prefix.Length);
        return Encoding.ASCII.GetString(rest[..rest.IndexOf((byte)'/')]);
    }

    /// <param name="body">Of the event that puts him out.</param>
    public static RecordChange Of(string room, Account by, Account whom, DateTimeOffset at, int minutes, ReadOnlySpan<byte> body)
    {
        var id = EventBody.IdOf(body);
        DeletingDue due = new(
            whom.Id,
            by.Id,
            AuditPerson.Of(by),
            at.AddMinutes(-minutes).ToUnixTimeMilliseconds(),
            at.ToUnixTimeMilliseconds(),
            Encoding.UTF8.GetString(id));
        return new RecordChange([.. PrefixOf(room), .. Encoding.ASCII.GetBytes(by.Id + "/"), .. id], due.Write());
    }

    public byte[] Write() => ReadableJson.Write(this, DeletingDueJson.Default.DeletingDue);

    /// <summary>Null: this program did not write it.</summary>
    public static DeletingDue? Read(byte[] value)
    {
        try
        {
            return JsonSerializer.Deserialize(value, DeletingDueJson.Default.DeletingDue);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(DeletingDue))]
internal sealed partial class DeletingDueJson : JsonSerializerContext;
