using System.Net;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Limits;

namespace WebMessenger.Broker.Nodes;

/// <summary>What goes through a pipe. The number goes over the wire and never changes.</summary>
internal enum PipeUse : byte
{
    /// <summary>A device's whole connection: MQTT, from its CONNECT on.</summary>
    Device = 1,

    /// <summary>What a client hears and says of devices: MQTT that the other node speaks for it.</summary>
    Client = 2,

    /// <summary>Requests of HTTP.</summary>
    Requests = 3,

    /// <summary>The payload of a last will.</summary>
    Will = 4,
}

/// <summary>What a node says of a pipe as it opens one: for whom, and who has been let in there already.</summary>
/// <param name="Session">Id of the login session; null: nobody was let in, or by a certificate.</param>
/// <param name="Account">Whose it is; null as <paramref name="Session"/>.</param>
/// <param name="IsByPassword">The login session was opened by a password, so no other node knows it.</param>
/// <param name="ClientId">As the client sent it, or as it was assigned.</param>
/// <param name="Address">The client's, as text; null: unknown.</param>
/// <param name="Fingerprint">Of the client certificate that it came by; null: of none.</param>
/// <param name="Will">Of <see cref="PipeUse.Will"/>.</param>
/// <param name="Holder">Whose place it takes: <see cref="HolderOf"/>; empty: the node's own.</param>
internal sealed record PipePreface(
    PipeUse Use,
    string? Session = null,
    string? Account = null,
    bool IsByPassword = false,
    string ClientId = "",
    string? Address = null,
    int Port = 0,
    bool IsEncrypted = false,
    string? Fingerprint = null,
    RelayedWill? Will = null,
    string Holder = "")
{
    /// <summary>An account has its places; all guests of an address have theirs together.</summary>
    public static string HolderOf(Account account, IPAddress? address) =>
        account.IsGuest ? "address " + Origin.Of(address) : "account " + account.Id;

    [JsonIgnore]
    public IPEndPoint? RemoteEndPoint => IPAddress.TryParse(Address, out var address) ? new IPEndPoint(address, Port) : null;

    public ReadOnlyMemory<byte> Encode() => JsonSerializer.SerializeToUtf8Bytes(this, PrefaceJson.Default.PipePreface);

    /// <summary>Null: it is none.</summary>
    public static PipePreface? Read(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            return JsonSerializer.Deserialize(bytes.Span, PrefaceJson.Default.PipePreface);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>A last will on a data topic, without its payload.</summary>
internal sealed record RelayedWill(
    string Topic, byte QualityOfService, bool Retain, uint? ExpirySeconds, byte[] Properties, string? Certificate, ulong PublisherMark);

[JsonSerializable(typeof(PipePreface))]
internal sealed partial class PrefaceJson : JsonSerializerContext;
