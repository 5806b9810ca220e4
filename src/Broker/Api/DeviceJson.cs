using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Api;

/// <summary>The devices of a room as JSON, as much of them as one of its moderators may see.</summary>
internal sealed class DeviceJson(Room room, Account who, PublishRefusals refusals, TimeProvider time)
{
    /// <summary>Clients of one token that are shown, the connected ones first: it may have hundreds.</summary>
    public const int ClientsShown = 20;

    /// <summary>Packets of a trace in one answer.</summary>
    private const int PacketsAtOnce = 500;

    private readonly bool _reads = RoomPolicy.MayReadData(room, who);

    public void Write(Utf8JsonWriter writer, LoginSession token)
    {
        var maker = token.Account;
        var isBelow = RoomPolicy.MayThrowOut(room, who, maker);

        // While one takes over from another, both are there for a moment.
        List<Client> connected = [.. token.Clients.OfType<Client>().GroupBy(client => client.ClientId, StringComparer.Ordinal)
            .Select(same => same.MaxBy(client => client.Writer.Watch?.Since)!).OrderBy(client => client.ClientId, StringComparer.Ordinal)];
        writer.WriteStartObject();
        writer.WriteString("id"u8, token.Id);
        writer.WriteString("name"u8, token.Device);
        writer.WriteString("by"u8, maker.UserName);
        WriteTopics(writer, token.Scope.Topics);
        writer.WriteString("createdAt"u8, Timestamps.Format(token.CreatedAt));
        writer.WriteString("expiresAt"u8, token.ExpiresAt is { } end ? Timestamps.Format(end) : null);
        writer.WriteString("lastSeen"u8, token.LastSeen > token.CreatedAt ? Timestamps.Format(token.LastSeen) : null);

        // Who cannot throw it out has no use for it.
        writer.WriteString("address"u8, /* guard: addresses of devices */ isBelow ? token.Address : null);

        // Who has left the room has taken his devices along.
        writer.WriteBoolean("works"u8, RoomPolicy.MayHear(room, maker));
        writer.WriteBoolean("mine"u8, maker == who);
        writer.WriteBoolean("below"u8, isBelow);
        writer.WriteNumber("connected"u8, connected.Count);
        writer.WriteNumber("rate"u8, Rounded(connected.Sum(client => client.Writer.Watch?.Rate ?? 0)));
        Write(writer, refusals.LastOf(token));
        WriteClients(writer, connected, token, isBelow);
        Write(writer, token.Certificate);
        writer.WriteEndObject();
    }

    /// <summary>An answer with a trace, without the packets that its reader has.</summary>
    public static JsonAnswer Of(DeviceTrace trace, int after) => new(writer =>
    {
        // In this order: one that is over has no packets that were not read.
        var isOver = trace.IsOver;
        var (packets, more) = trace.Read(after, PacketsAtOnce);
        writer.WriteString("began"u8, Timestamps.Format(trace.Began));
        writer.WriteBoolean("over"u8, isOver && packets.Count < PacketsAtOnce);
        writer.WriteStartArray("packets"u8);
        foreach (var packet in packets)
        {
            Write(writer, packet);
        }

        writer.WriteEndArray();
        writer.WriteNumber("more"u8, more);
    });

    private static void Write(Utf8JsonWriter writer, TracedPacket packet)
    {
        writer.WriteStartObject();
        writer.WriteString("at"u8, Timestamps.Format(packet.At));
        writer.WriteString("client"u8, packet.ClientId);
        writer.WriteString("way"u8, packet.IsSent ? "out"u8 : "in"u8);
        writer.WriteString("packet"u8, packet.Type.ToString().ToUpperInvariant());
        if (packet.Bytes > 0)
        {
            writer.WriteNumber("bytes"u8, packet.Bytes);
        }

        if (packet.PacketId > 0)
        {
            writer.WriteNumber("id"u8, packet.PacketId);
        }

        if (packet.Topic is not null)
        {
            writer.WriteString("topic"u8, packet.Topic);
        }

        if (packet.Type == PacketType.Publish)
        {
            writer.WriteNumber("qos"u8, packet.QualityOfService);
            writer.WriteBoolean("retain"u8, packet.IsRetain);
            writer.WriteBoolean("dup"u8, packet.IsDuplicate);
        }

        if (packet.Codes is { } codes)
        {
            writer.WriteStartArray("codes"u8);
            foreach (var code in codes)
            {
                writer.WriteNumberValue(code);
            }

            writer.WriteEndArray();
        }

        writer.WriteEndObject();
    }

    private static void Write(Utf8JsonWriter writer, ClientCertificate? certificate)
    {
        if (certificate is null)
        {
            writer.WriteNull("certificate"u8);
            return;
        }

        writer.WriteStartObject("certificate"u8);
        writer.WriteString("fingerprint"u8, certificate.Fingerprint.ToString());
        writer.WriteString("notBefore"u8, Timestamps.Format(certificate.NotBefore));
        writer.WriteString("notAfter"u8, Timestamps.Format(certificate.NotAfter));
        writer.WriteEndObject();
    }

    private static void WriteTopics(Utf8JsonWriter writer, TopicScope? topics)
    {
        if (topics is null)
        {
            writer.WriteNull("topics"u8);
            return;
        }

        writer.WriteStartObject("topics"u8);
        WriteAll(writer, "read"u8, topics.Read);
        WriteAll(writer, "write"u8, topics.Write);
        writer.WriteEndObject();
    }

    private static void WriteAll(Utf8JsonWriter writer, ReadOnlySpan<byte> name, IReadOnlyList<string> filters)
    {
        writer.WriteStartArray(name);
        foreach (var filter in filters)
        {
            writer.WriteStringValue(filter);
        }

        writer.WriteEndArray();
    }

    private void Write(Utf8JsonWriter writer, LastRefusal? last)
    {
        writer.WriteNumber("refusals"u8, last?.Count ?? 0);
        if (last is null)
        {
            writer.WriteNull("lastRefusal"u8);
            return;
        }

        writer.WriteStartObject("lastRefusal"u8);
        writer.WriteString("at"u8, Timestamps.Format(last.At));
        writer.WriteString("client"u8, last.ClientId);
        writer.WriteString("code"u8, last.Code);
        writer.WriteString("reason"u8, last.Reason);
        writer.WriteString("topic"u8, /* guard: topics of refusals are for who reads data */ _reads ? last.Topic : null);
        writer.WriteEndObject();
    }

    private void WriteClients(Utf8JsonWriter writer, List<Client> connected, LoginSession token, bool isBelow)
    {
        List<string> away = [.. token.ClientIds.Except(connected.Select(client => client.ClientId))];
        var now = time.GetUtcNow();
        writer.WriteStartArray("clients"u8);
        foreach (var client in connected.Take(ClientsShown))
        {
            writer.WriteStartObject();
            writer.WriteString("client"u8, client.ClientId);
            writer.WriteBoolean("connected"u8, true);
            writer.WriteString("address"u8, isBelow ? client.Transport.RemoteEndPoint?.Address.ToString() : null);
            writer.WriteString("since"u8, client.Writer.Watch is { } watch ? Timestamps.Format(watch.Since) : null);
            writer.WriteString("lastSeen"u8, Timestamps.Format(now - time.GetElapsedTime(client.LastHeard)));
            writer.WriteNumber("rate"u8, Rounded(client.Writer.Watch?.Rate ?? 0));
            writer.WriteEndObject();
        }

        foreach (var client in away.Take(Math.Max(0, ClientsShown - connected.Count)))
        {
            writer.WriteStartObject();
            writer.WriteString("client"u8, client);
            writer.WriteBoolean("connected"u8, false);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteNumber("more"u8, Math.Max(0, connected.Count + away.Count - ClientsShown));
    }

    private static double Rounded(double rate) => Math.Round(rate, 2);
}
