using System.Text.Json;
using System.Text.Json.Serialization;

namespace WebMessenger.Broker.Api;

/// <summary>Where an event stands in the conversation with somebody.</summary>
internal sealed record TalkPlace(string With, long Seq, string Epoch);

/// <summary>Somebody whom the caller ignores, and since when.</summary>
internal sealed record IgnoredView(string User, string Name, string Since);

internal sealed record IgnoredList(IReadOnlyList<IgnoredView> Ignored);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(TalkPlace))]
[JsonSerializable(typeof(IgnoredList))]
internal sealed partial class TalkJson : JsonSerializerContext;
