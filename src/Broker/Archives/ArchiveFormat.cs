using System.Reflection;
using System.Text.Json.Serialization;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Archives;

/// <summary>What a room's file is made of: a ZIP of these, as docs/archives.md describes them.</summary>
internal static class ArchiveFormat
{
    public const int Version = 1;

    public const string
        Room = "room.json", Members = "members.jsonl", Events = "events.jsonl", Reactions = "reactions.jsonl", Pins = "pins.jsonl", Values = "data.jsonl";

    public static string Program { get; } = typeof(ArchiveFormat).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];
}

/// <summary>`room.json`. Times are RFC 3339.</summary>
/// <param name="Format">Of the file.</param>
/// <param name="Program">Version of the server that wrote it.</param>
/// <param name="First">The oldest seq in the file; 0: nothing was ever said.</param>
/// <param name="Head">The newest.</param>
/// <param name="Tags">Null: it has none.</param>
internal sealed record ArchivedRoom(
    int Format,
    string Program,
    string ExportedAt,
    string Id,
    string Title,
    string Topic,
    PolicyFields Policy,
    string CreatedAt,
    string Epoch,
    long First,
    long Head,
    IReadOnlyList<string>? Tags = null);

/// <summary>Somebody, as they were called then.</summary>
internal sealed record ArchivedPerson(string User, string Name, string Kind)
{
    public static ArchivedPerson Of(Author author) => new(author.User, author.Name, author.Kind);
}

/// <summary>A line of `members.jsonl`.</summary>
/// <param name="Since">Null: since version 0.1, which did not write it down.</param>
internal sealed record ArchivedMember(string User, string Name, string Role, string? Since);

/// <summary>A line of `reactions.jsonl`: by seq of the message.</summary>
internal sealed record ArchivedReaction(long Of, string Emoji, string At, ArchivedPerson From);

/// <summary>A line of `pins.jsonl`: the oldest pin first.</summary>
internal sealed record ArchivedPin(long Of, string At, ArchivedPerson By);

/// <summary>A line of `data.jsonl`: a value that is retained.</summary>
/// <param name="Payload">In base64.</param>
/// <param name="Qos">0, 1 or 2: as it was published.</param>
internal sealed record ArchivedValue(string Topic, string Payload, int Qos, string At, string? ContentType = null, string? ExpiresAt = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(ArchivedRoom))]
[JsonSerializable(typeof(ArchivedPerson))]
[JsonSerializable(typeof(ArchivedMember))]
[JsonSerializable(typeof(ArchivedReaction))]
[JsonSerializable(typeof(ArchivedPin))]
[JsonSerializable(typeof(ArchivedValue))]
internal sealed partial class ArchiveJson : JsonSerializerContext;
