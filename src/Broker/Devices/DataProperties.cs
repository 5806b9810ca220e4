using System.Buffers.Binary;
using System.Text;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Devices;

/// <summary>What HTTP and the files of rooms know of the properties of MQTT 5: the content type.</summary>
internal static class DataProperties
{
    /// <summary>The properties of a publish that has this content type and no others; empty: none at all.</summary>
    public static ReadOnlyMemory<byte> OfContentType(string contentType)
    {
        if (contentType.Length == 0)
        {
            return default;
        }

        var text = Encoding.UTF8.GetBytes(contentType);
        var properties = new byte[3 + text.Length];
        properties[0] = PropertyId.ContentType;
        BinaryPrimitives.WriteUInt16BigEndian(properties.AsSpan(1), checked((ushort)text.Length));
        text.CopyTo(properties, 3);
        return properties;
    }

    /// <summary>Null: they have none.</summary>
    /// <param name="properties">That were checked, without their length.</param>
    public static string? ContentTypeOf(ReadOnlySpan<byte> properties) =>
        PacketProperties.FindText(properties, PropertyId.ContentType);
}
