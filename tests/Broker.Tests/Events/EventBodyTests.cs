using System.Buffers;
using System.Reflection;
using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Tests.Events;

public sealed class EventBodyTests
{
    private static readonly DateTimeOffset _at = new(2026, 11, 22, 23, 0, 0, 123, TimeSpan.Zero);
    private static readonly Author _ana = new("1", "ana", "Ana", "person");
    private static readonly Author _guest = new("2", "guest-1", "Zé", "guest");
    private static readonly Author _sensor = new("3", "sensor", "Sensor", "bot");

    [Theory]
    [InlineData("message")]
    [InlineData("reply")]
    [InlineData("join")]
    [InlineData("rush")]
    [InlineData("crowd")]
    [InlineData("leave")]
    [InlineData("whisper")]
    [InlineData("presence")]
    public void What_goes_out_is_as_the_contract_has_it(string name) => Assert.Equal(Golden(name), name switch
    {
        "message" => Json(EventBody.Message(EventType.Message, _ana, "client-1", "olá 👋 \"<b>\" \\ \n", null), "room", "lobby", 42),
        "reply" => Json(EventBody.Message(EventType.Message, _ana, "a\"b", "yes", 42), "room", "lobby", 43),
        "join" => Json(EventBody.Presence(EventType.Join, _guest, "s1", []), "room", "lobby", 44),
        "rush" => Json(EventBody.Presence(EventType.Join, _guest, "s2", [_ana, _sensor]), "room", "lobby", 45),
        "crowd" => Json(EventBody.Presence(EventType.Join, _guest, "s4", [_ana], more: 28), "room", "lobby", 47),
        "leave" => Json(EventBody.Presence(EventType.Leave, _sensor, "s3", []), "room", "lobby", 46),
        "whisper" => Json(EventBody.Message(EventType.Whisper, _ana, "w1", "psst", null), "to", "bob", 7),
        _ => Encoding.UTF8.GetString(PresenceChange.Payload(_ana, _at)),
    });

    [Fact]
    public void Whom_a_presence_event_is_about_can_be_read_back()
    {
        var body = EventBody.Presence(EventType.Join, _guest, EventBody.NewId(), [_ana, _sensor]);

        Assert.Equal(EventType.Join, EventBody.TypeOf(body));
        Assert.Equal([_guest, _ana with { AccountId = "" }, _sensor with { AccountId = "" }], EventBody.PresenceOf("2", body));
        Assert.Empty(EventBody.PresenceOf("1", EventBody.Message(EventType.Message, _ana, "x", "hi", null)));
    }

    [Theory]
    [InlineData("person", "Ana", "hello", false)]
    [InlineData("guest", "Ana", "hello", false)]
    [InlineData("bot", "Ana", "hello", true)]
    [InlineData("person", "\",\"kind\":\"bot\"", "\"kind\":\"bot\"", false)]
    [InlineData("bot", "\"kind\":\"person\"", "\"kind\":\"person\"", true)]
    public void Fault_P15_Whether_a_bot_said_it_can_be_read_back(string kind, string name, string text, bool isByBot)
    {
        Assert.Equal(isByBot, EventBody.IsByBot(EventBody.Message(EventType.Message, new Author("1", "ana", name, kind), "id", text, null)));
        Assert.Equal(isByBot, EventBody.IsByBot(EventBody.Message(EventType.Message, new Author("1", "ana", name, kind), "\"kind\":\"bot\"", text, 1, DateTimeOffset.UnixEpoch)));
    }

    [Fact]
    public void The_same_content_has_the_same_hash_and_other_content_another()
    {
        var hash = EventBody.ContentHash("hello", null);

        Assert.Equal(hash, EventBody.ContentHash("hello", null));
        Assert.NotEqual(hash, EventBody.ContentHash("hello", 1));
        Assert.NotEqual(hash, EventBody.ContentHash("hello ", null));
    }

    [Theory]
    [InlineData("\u0000\u001f\u007f")]
    [InlineData("line\r\nline\u2028line")]
    [InlineData("\ud83d\ude00\ufeff\u202e")]
    public void An_event_is_one_line_that_reads_back_as_what_was_said(string text)
    {
        var json = Json(EventBody.Message(EventType.Message, _ana, "id", text, null), "room", "lobby", 1);

        Assert.DoesNotContain('\n', json);
        Assert.DoesNotContain('\r', json);
        Assert.Equal(text, System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty("text").GetString());
    }

    [Fact]
    public void A_body_lies_as_the_format_has_it()
    {
        var expiry = DateTimeOffset.FromUnixTimeMilliseconds(0x0000010203040506);
        var body = EventBody.Message(EventType.Message, _sensor, "m1", "hi", 0x42, expiry, 0xA1A2A3A4A5A6A7A8);

        Assert.Equal("4001001B" + "0000010203040506" + "A1A2A3A4A5A6A7A8" + "0000000000000042" + "0002" + "6D31", Convert.ToHexString(body)[..64]);
        Assert.Equal("\"from\":{\"user\":\"sensor\",\"name\":\"Sensor\",\"kind\":\"bot\"},\"text\":\"hi\",\"replyTo\":66", Encoding.UTF8.GetString(body[32..]));
        Assert.Equal((EventType.Message, expiry, 0xA1A2A3A4A5A6A7A8, 0x42L, true), Read(body));

        var plain = EventBody.Presence(EventType.Leave, _ana, "m1", []);
        Assert.Equal("40030000" + "0002" + "6D31", Convert.ToHexString(plain)[..16]);
        Assert.Equal((EventType.Leave, null, 0UL, null, false), Read(plain));
    }

    [Theory]
    [InlineData("message", 1, "")]
    [InlineData("leave", 3, "")]
    [InlineData("whisper", 0x84, "0000000000000064")]
    public void What_version_0_1_stored_reads_as_it_did(string type, byte first, string expiry)
    {
        foreach (var kind in new[] { "person", "bot" })
        {
            byte[] body =
            [
                first, .. Convert.FromHexString(expiry), 0, 2, .. "m1"u8,
                .. Encoding.UTF8.GetBytes($"\"from\":{{\"user\":\"ana\",\"name\":\"Ana\",\"kind\":\"{kind}\"}},\"text\":\"hi\",\"replyTo\":4"),
            ];

            Assert.Equal(
                $"{{\"v\":1,\"type\":\"{type}\",\"room\":\"lobby\",\"seq\":9,\"epoch\":\"k3f9\",\"id\":\"m1\",\"at\":\"2026-11-22T23:00:00.123Z\","
                + $"\"from\":{{\"user\":\"ana\",\"name\":\"Ana\",\"kind\":\"{kind}\"}},\"text\":\"hi\",\"replyTo\":4}}",
                Json(body, "room", "lobby", 9));
            Assert.Equal(((EventType)(first & 0x7F), expiry == "" ? null : DateTimeOffset.FromUnixTimeMilliseconds(100), 0UL, null, kind == "bot"), Read(body));
            Assert.Equal("m1"u8, EventBody.IdOf(body));
        }
    }

    [Fact]
    public void A_body_that_cannot_be_read_is_of_no_known_type_and_ends_nothing()
    {
        var whole = EventBody.Message(EventType.Message, _sensor, "m1", "", 1, DateTimeOffset.UnixEpoch, 2);
        var head = whole.AsSpan().IndexOf("m1"u8) + 2;
        List<byte[]> bodies = [.. Enumerable.Range(0, head).Select(length => whole[..length])];
        for (var bit = 0; bit < 16; bit++)
        {
            if (bit is not (0 or 1 or 3 or 4))
            {
                bodies.Add([0x40, 1, (byte)(1 << bit >> 8), (byte)(1 << bit), .. whole[4..]]);
            }
        }

        foreach (var type in Enumerable.Range(0, 256).Where(type => type is (< 1 or > 4) and not (16 or 17)))
        {
            bodies.Add([0x40, (byte)type, .. whole[2..]]);
        }

        // A time that is none.
        bodies.Add([0x40, 1, 0, 1, 0x7F, .. new byte[7], .. whole[28..]]);
        bodies.Add([0x81, 0xFF, .. new byte[7], .. whole[28..]]);
        foreach (var body in bodies)
        {
            Assert.Equal(((EventType)0, null, 0UL, null, false), Read(body));
            Assert.True(EventBody.IdOf(body).IsEmpty);
            Assert.Empty(EventBody.PresenceOf("1", body));
            Assert.Contains("\"type\":\"unknown\",\"room\":\"lobby\",\"seq\":9,", Json(body, "room", "lobby", 9), StringComparison.Ordinal);
        }

        // The allowed case.
        Assert.Equal(EventType.Message, EventBody.TypeOf(whole));
        Assert.Equal(EventType.Message, EventBody.TypeOf(whole.AsSpan(0, head)));
    }

    private static (EventType Type, DateTimeOffset? Expiry, ulong Publisher, long? ReplyTo, bool IsByBot) Read(byte[] body) =>
        (EventBody.TypeOf(body), EventBody.ExpiryOf(body), EventBody.PublisherOf(body), EventBody.ReplyToOf(body), EventBody.IsByBot(body));

    private static string Json(byte[] body, string placeField, string place, long seq)
    {
        ArrayBufferWriter<byte> json = new();
        EventBody.WriteJson(json, body, Encoding.ASCII.GetBytes(placeField), Encoding.ASCII.GetBytes(place), seq, "k3f9", _at);
        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    internal static string Golden(string name)
    {
        var root = typeof(EventBodyTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "Root").Value!;
        return File.ReadLines(Path.Combine(root, "tests", "contract", "event-json.txt")).Single(line => line.StartsWith(name + ": ", StringComparison.Ordinal))[(name.Length + 2)..];
    }
}
