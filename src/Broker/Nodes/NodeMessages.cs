using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Sessions;

namespace WebMessenger.Broker.Nodes;

/// <summary>Login sessions that have ended.</summary>
/// <param name="V">The format: 1.</param>
/// <param name="Reason">As <see cref="RevocationReason"/>.</param>
internal sealed record RevokeMessage(int V, int Reason, IReadOnlyList<string> Sessions);

/// <summary>A client that has come to another node.</summary>
/// <param name="V">The format: 1.</param>
/// <param name="Rooms">Of the scope, as the ones below; null: all.</param>
/// <param name="Read">Filters of the mount; null: all below it, as of <paramref name="Write"/>.</param>
internal sealed record TakeOverMessage(
    int V, string Account, string Client, string Connection, string Session,
    IReadOnlyList<string>? Rooms = null, int Verbs = 0, string? Mount = null, IReadOnlyList<string>? Read = null, IReadOnlyList<string>? Write = null)
{
    public static TakeOverMessage Of(ClientName client, Newcomer by) => new(
        1, client.AccountId, client.ClientId, by.Connection, by.Session, by.Scope.Rooms is { } rooms ? [.. rooms] : null, (int)by.Scope.Verbs,
        by.Scope.Mount, by.Scope.Topics?.Read, by.Scope.Topics?.Write);

    public ClientName Name() => new(Account, Client);

    public Newcomer Newcomer() => new(Connection, Session, new Scope(Rooms?.ToHashSet(), (Verbs)Verbs)
    {
        Mount = Mount, Topics = Read is null || Write is null ? null : new TopicScope([.. Read], [.. Write]),
    });
}

/// <summary>What nodes tell each other of clients, as JSON in UTF-8. A field that is not known is passed over.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    RespectNullableAnnotations = true, RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(RevokeMessage))]
[JsonSerializable(typeof(TakeOverMessage))]
internal sealed partial class NodeMessages : JsonSerializerContext
{
    /// <exception cref="IOException">
    /// It is none, or of a format that this version does not know: who asks must not take it for done.
    /// </exception>
    public static T Read<T>(ReadOnlyMemory<byte> bytes, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> type, Func<T, int> format)
        where T : class
    {
        try
        {
            return JsonSerializer.Deserialize(bytes.Span, type) is { } message && format(message) == 1 ? message
                : throw new IOException("Another node asks in a format that this version does not know.");
        }
        catch (JsonException error)
        {
            throw new IOException("Another node asks for what cannot be read.", error);
        }
    }
}
