using WebMessenger.Broker.Clients;
using WebMessenger.Broker.MqttSessions;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>
/// What <see cref="Handshake"/> makes of the bytes of a CONNECT. What clients are answered, <see cref="HandshakeTests"/> say.
/// </summary>
public sealed class ConnectReadingTests
{
    private static readonly byte[] _everything =
    [
        0, 4, .. "MQTT"u8, 5, 0b1110_1110, 0, 30,
        // Properties: session expiry 3600, receive maximum 7, maximum packet size 1000, no problem information.
        15, 0x11, 0, 0, 14, 16, 0x21, 0, 7, 0x27, 0, 0, 3, 232, 0x17, 0,
        0, 3, .. "bot"u8,
        // The will: delay 5, expiry 9; topic and payload.
        10, 0x18, 0, 0, 0, 5, 0x02, 0, 0, 0, 9,
        0, 11, .. "rooms/lobby"u8, 0, 3, .. "bye"u8,
        0, 3, .. "ana"u8, 0, 2, .. "pw"u8,
    ];

    [Fact]
    public void All_that_a_client_asks_for_is_in_one_record()
    {
        Assert.Null(Handshake.Read(_everything, isPadded: false, out var asked));

        Assert.True(asked!.IsVersion5);
        Assert.Equal(("bot", true, (ushort)30, (string?)"ana"), (asked.ClientId, asked.IsClean, asked.KeepAliveSeconds, asked.UserName));
        Assert.Equal("pw"u8.ToArray(), asked.Password);
        Assert.Equal((3600u, (int?)7, 1000, false, false), (asked.SessionExpiry, asked.ReceiveMaximum, asked.MaximumPacket, asked.WantsReasons, asked.HasMethod));
        Assert.Equal(("rooms/lobby", 5u, (uint?)9), (asked.Will!.Topic, asked.Will.DelaySeconds, asked.Will.ExpirySeconds));
        Assert.Equal("bye"u8.ToArray(), asked.Will.Payload);
    }

    [Fact]
    public void What_a_client_does_not_say_is_as_the_protocol_has_it()
    {
        Assert.Null(Handshake.Read([0, 4, .. "MQTT"u8, 5, 0, 0, 0, 0, 0, 0], isPadded: false, out var latest));
        Assert.Equal(
            new Handshake(true, "", false, 0, null, null, null, SessionExpiry: 0, ReceiveMaximum: null, int.MaxValue, WantsReasons: true, HasMethod: false, IsBridge: false), latest);

        // MQTT 3.1.1 has no word for how long: without clean session, as long as anybody.
        Assert.Null(Handshake.Read([0, 4, .. "MQTT"u8, 4, 0, 0, 0, 0, 1, (byte)'a'], isPadded: true, out var older));
        Assert.Equal(
            new Handshake(false, "a", false, 0, null, null, null, DurableClients.MaximumExpiry, null, int.MaxValue, WantsReasons: true, HasMethod: false, IsBridge: false), older);
    }

    [Fact]
    public void A_refusal_says_how_it_may_be_answered()
    {
        // Cut short behind the maximum packet size, which the answer must fit.
        Assert.Null(Handshake.Read(_everything, isPadded: false, out _));
        var cut = Handshake.Read(_everything.AsSpan(0, _everything.Length - 1), isPadded: false, out var nothing);

        Assert.Null(nothing);
        Assert.Equal(((byte)0x81, true, true, 1000), (cut!.Code, cut.IsVersion5, cut.IsSaid, cut.MaximumPacket));

        // 3.1.1 has no return code for what is malformed.
        var silent = Handshake.Read([0, 4, .. "MQTT"u8, 4, 1, 0, 0, 0, 0], isPadded: false, out _);
        Assert.Equal(((byte)0x81, false), (silent!.Code, silent.IsSaid));
    }
}
