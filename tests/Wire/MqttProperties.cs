using System.Collections;
using System.Globalization;

namespace WebMessenger.Wire.Testing;

/// <summary>Identifiers of MQTT 5 properties (clause 2.2.2.2).</summary>
internal enum PropertyId : byte
{
    PayloadFormat = 0x01,
    MessageExpiry = 0x02,
    ContentType = 0x03,
    ResponseTopic = 0x08,
    CorrelationData = 0x09,
    SubscriptionIdentifier = 0x0B,
    SessionExpiry = 0x11,
    AssignedClientId = 0x12,
    ServerKeepAlive = 0x13,
    AuthenticationMethod = 0x15,
    AuthenticationData = 0x16,
    RequestProblemInformation = 0x17,
    WillDelay = 0x18,
    RequestResponseInformation = 0x19,
    ResponseInformation = 0x1A,
    ServerReference = 0x1C,
    ReasonString = 0x1F,
    ReceiveMaximum = 0x21,
    TopicAliasMaximum = 0x22,
    TopicAlias = 0x23,
    MaximumQos = 0x24,
    RetainAvailable = 0x25,
    UserProperty = 0x26,
    MaximumPacketSize = 0x27,
    WildcardAvailable = 0x28,
    SubscriptionIdentifiersAvailable = 0x29,
    SharedAvailable = 0x2A,
}

/// <summary>
/// The properties of one packet, in their order; nothing forbids what MQTT forbids (a repetition,
/// a foreign identifier), for that is what tests send.
/// <code>new MqttProperties { { PropertyId.SessionExpiry, 60 }, { "after", "12" } }</code>
/// </summary>
internal sealed class MqttProperties : IEnumerable<(PropertyId Id, object Value)>
{
    private readonly List<(PropertyId Id, object Value)> _all = [];

    /// <summary>A number of the width that the identifier calls for.</summary>
    public void Add(PropertyId id, uint value) => _all.Add((id, value));

    public void Add(PropertyId id, string value) => _all.Add((id, value));

    public void Add(PropertyId id, byte[] value) => _all.Add((id, value));

    /// <summary>A user property.</summary>
    public void Add(string name, string value) => _all.Add((PropertyId.UserProperty, (name, value)));

    public string? Text(PropertyId id) => _all.Where(property => property.Id == id).Select(property => property.Value as string).FirstOrDefault();

    public uint? Number(PropertyId id) => _all.Where(property => property.Id == id).Select(property => (uint?)property.Value).FirstOrDefault();

    public IReadOnlyList<uint> Numbers(PropertyId id) => [.. _all.Where(property => property.Id == id).Select(property => (uint)property.Value)];

    public string? User(string name) => _all.Where(property => property.Id == PropertyId.UserProperty)
        .Select(property => ((string Name, string Value))property.Value).FirstOrDefault(pair => pair.Name == name).Value;

    public IEnumerator<(PropertyId Id, object Value)> GetEnumerator() => _all.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public override string ToString() => _all.Count == 0 ? "" : $"{{{string.Join(", ", _all.Select(property => $"{property.Id}={Shown(property.Value)}"))}}}";

    /// <summary>Reads one property; an identifier that MQTT does not know is malformed.</summary>
    public void AddFrom(ref MqttReader reader)
    {
        var id = (PropertyId)reader.VariableInteger();
        _all.Add((id, WidthOf(id) switch
        {
            Width.Byte => (uint)reader.Byte(),
            Width.UInt16 => (uint)reader.UInt16(),
            Width.UInt32 => reader.UInt32(),
            Width.Variable => (uint)reader.VariableInteger(),
            Width.Binary => reader.Binary().ToArray(),
            Width.Pair => (reader.String(), reader.String()),
            Width.String => reader.String(),
            _ => throw new MalformedPacketException($"property {(byte)id:X2} is unknown"),
        }));
    }

    public void WriteTo(MqttWriter writer)
    {
        MqttWriter inner = new();
        foreach (var (id, value) in _all)
        {
            inner.Byte((byte)id);
            switch (value)
            {
                case uint number when WidthOf(id) == Width.Byte:
                    inner.Byte((byte)number);
                    break;
                case uint number when WidthOf(id) == Width.UInt16:
                    inner.UInt16((ushort)number);
                    break;
                case uint number when WidthOf(id) == Width.Variable:
                    inner.VariableInteger((int)number);
                    break;
                case uint number:
                    inner.UInt32(number);
                    break;
                case string text:
                    inner.String(text);
                    break;
                case byte[] bytes:
                    inner.Binary(bytes);
                    break;
                case (string name, string text):
                    inner.String(name);
                    inner.String(text);
                    break;
            }
        }

        var encoded = inner.ToArray();
        writer.VariableInteger(encoded.Length);
        writer.Raw(encoded);
    }

    private enum Width
    {
        Unknown,
        Byte,
        UInt16,
        UInt32,
        Variable,
        String,
        Binary,
        Pair,
    }

    private static string Shown(object value) => value switch
    {
        byte[] bytes => Convert.ToHexString(bytes),
        (string name, string text) => $"{name}:{text}",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static Width WidthOf(PropertyId id) => id switch
    {
        PropertyId.PayloadFormat or PropertyId.RequestProblemInformation or PropertyId.RequestResponseInformation or PropertyId.MaximumQos
            or PropertyId.RetainAvailable or PropertyId.WildcardAvailable or PropertyId.SubscriptionIdentifiersAvailable
            or PropertyId.SharedAvailable => Width.Byte,
        PropertyId.ServerKeepAlive or PropertyId.ReceiveMaximum or PropertyId.TopicAliasMaximum or PropertyId.TopicAlias => Width.UInt16,
        PropertyId.MessageExpiry or PropertyId.SessionExpiry or PropertyId.WillDelay or PropertyId.MaximumPacketSize => Width.UInt32,
        PropertyId.SubscriptionIdentifier => Width.Variable,
        PropertyId.CorrelationData or PropertyId.AuthenticationData => Width.Binary,
        PropertyId.UserProperty => Width.Pair,
        PropertyId.ContentType or PropertyId.ResponseTopic or PropertyId.AssignedClientId or PropertyId.AuthenticationMethod
            or PropertyId.ResponseInformation or PropertyId.ServerReference or PropertyId.ReasonString => Width.String,
        _ => Width.Unknown,
    };
}
