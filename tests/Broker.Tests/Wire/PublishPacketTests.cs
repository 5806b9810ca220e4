using System.Text;
using WebMessenger.Broker.Wire;
using WebMessenger.Wire.Testing;
using PropertyId = WebMessenger.Wire.Testing.PropertyId;

namespace WebMessenger.Broker.Tests.Wire;

public sealed class PublishPacketTests
{
    [Fact]
    public void Everything_a_publish_may_carry_is_read()
    {
        MqttProperties properties = new()
        {
            { PropertyId.PayloadFormat, 1u },
            { PropertyId.MessageExpiry, 60u },
            { PropertyId.TopicAlias, 5u },
            { PropertyId.ResponseTopic, "users/ana" },
            { PropertyId.CorrelationData, new byte[] { 1, 2 } },
            { PropertyId.ContentType, "text/plain" },
            { "colour", "red" },
            { "id", "one" },
            { "id", "two" },
        };
        var body = new MqttWriter().String("rooms/lobby").UInt16(513).Properties(properties).Raw("hello"u8).ToArray();

        Assert.Equal(0, PublishPacket.TryParse(0b1011, body, true, out var packet));

        Assert.Equal("rooms/lobby", Encoding.UTF8.GetString(packet.Topic));
        Assert.Equal("hello", Encoding.UTF8.GetString(packet.Payload));
        Assert.Equal((1, 513, 5), (packet.QualityOfService, packet.PacketId, packet.TopicAlias ?? 0));
        Assert.True(packet.IsDuplicate);
        Assert.True(packet.IsRetain);
        Assert.Equal("one", Encoding.UTF8.GetString(packet.IdProperty));

        // Where it lies is known from now on: who has to wait for something does not parse it again, wherever its bytes are by then.
        PublishPacket again = new(packet.Layout, body.ToArray());
        Assert.Equal(("rooms/lobby", "one", "hello"), (Text(again.Topic), Text(again.IdProperty), Text(again.Payload)));
        Assert.Equal(packet.ContentHash(), again.ContentHash());

        static string Text(ReadOnlySpan<byte> bytes) => Encoding.UTF8.GetString(bytes);
    }

    [Theory]
    [InlineData(0, "000161", 0)]
    [InlineData(2, "0001610001", 0)]
    [InlineData(6, "0001610001", 0x81)]
    [InlineData(8, "000161", 0x81)]
    [InlineData(2, "0001610000", 0x82)]
    [InlineData(2, "000161", 0x81)]
    [InlineData(2, "00016101", 0x81)]
    [InlineData(0, "", 0x81)]
    [InlineData(0, "00", 0x81)]
    [InlineData(0, "000261", 0x81)]
    [InlineData(0, "000100", 0x81)]
    [InlineData(0, "0002C0AF", 0x81)]
    [InlineData(0, "0003EDA080", 0x81)]
    public void Attack_8_11_A_malformed_publish_is_told_apart(byte flags, string hex, byte code) =>
        Assert.Equal(code, PublishPacket.TryParse(flags, Convert.FromHexString(hex), false, out _));

    [Theory]
    [InlineData("00", 0)]
    [InlineData("020101", 0)]
    [InlineData("", 0x81)]
    [InlineData("05", 0x81)]
    [InlineData("FFFFFFFF01", 0x81)]
    [InlineData("020102", 0x82)]
    [InlineData("0101", 0x81)]
    [InlineData("0401010101", 0x82)]
    [InlineData("0302000000", 0x81)]
    [InlineData("0223000000", 0x81)]
    [InlineData("06230001230001", 0x82)]
    [InlineData("020B01", 0x82)]
    [InlineData("0211FF", 0x81)]
    [InlineData("027F00", 0x81)]
    [InlineData("02FF01", 0x81)]
    [InlineData("0408000100", 0x81)]
    [InlineData("0409000500", 0x81)]
    [InlineData("05260001610000", 0x81)]
    public void Attack_10_A_bad_property_is_told_apart(string properties, byte code) =>
        Assert.Equal(code, PublishPacket.TryParse(0, [0, 1, (byte)'a', .. Convert.FromHexString(properties)], true, out _));
}
