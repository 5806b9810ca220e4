using System.Buffers;
using System.Reflection;
using System.Text;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Storage.EventLog;

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
    [InlineData("action")]
    [InlineData("edit")]
    [InlineData("edit-before")]
    [InlineData("edited")]
    [InlineData("reaction")]
    [InlineData("delete")]
    [InlineData("removed")]
    [InlineData("presence")]
    [InlineData("whisper-in-inbox")]
    [InlineData("sent")]
    [InlineData("edit-in-inbox")]
    public void What_goes_out_is_as_the_contract_has_it(string name) => Assert.Equal(Golden(name), name switch
    {
        "message" => Json(EventBody.Message(EventType.Message, _ana, "client-1", "olá 👋 \"<b>\" \\ \n", null), "room", "lobby", 42),
        "reply" => Json(EventBody.Message(EventType.Message, _ana, "a\"b", "yes", 42), "room", "lobby", 43),
        "join" => Json(EventBody.Presence(EventType.Join, _guest, "s1", []), "room", "lobby", 44),
        "rush" => Json(EventBody.Presence(EventType.Join, _guest, "s2", [_ana, _sensor]), "room", "lobby", 45),
        "crowd" => Json(EventBody.Presence(EventType.Join, _guest, "s4", [_ana], more: 28), "room", "lobby", 47),
        "leave" => Json(EventBody.Presence(EventType.Leave, _sensor, "s3", []), "room", "lobby", 46),
        "whisper" => Json(EventBody.Message(EventType.Whisper, _ana, "w1", "psst", null), "to", "bob", 7),
        "action" => Json(EventBody.Message(EventType.Message, _ana, "a1", "waves", 42, isAction: true), "room", "lobby", 51),
        "edit" => Json(Edit("olá"), "room", "lobby", 48),
        "edit-before" => Json(EventBody.WithText(Edit("olá"), null), "room", "lobby", 48, changedBy: 49),
        "edited" => Json(EventBody.WithText(EventBody.Message(EventType.Message, _sensor, "a\"b", "oi", 41), "olá"), "room", "lobby", 42, changedBy: 48),
        "reaction" => Json(Reaction(), "room", "lobby", 50),
        "delete" => Json(EventBody.Act(EventType.Delete, _ana, "d1", writer => writer.WriteNumber("of"u8, 42)), "room", "lobby", 49),
        "removed" => Json(EventBody.Removed(EventBody.Message(EventType.Message, _sensor, "a\"b", "oi", 41, _at, 7), _ana), "room", "lobby", 42, changedBy: 49),
        "whisper-in-inbox" => Json(InInbox(EventBody.Message(EventType.Message, _ana, "w1", "psst", null), EventType.Whisper, "ana"), "to", "bob", 7),
        "sent" => Json(InInbox(EventBody.Message(EventType.Message, _ana, "w1", "psst", null), EventType.Sent, "bob"), "to", "ana", 9, changedBy: 4),
        "edit-in-inbox" => Json(InInbox(Edit("olá"), EventType.Whisper, "ana"), "to", "bob", 8),
        _ => Encoding.UTF8.GetString(PresenceChange.Payload(_ana, _at)),
    });

    private static byte[] InInbox(byte[] body, EventType type, string with) => EventBody.InInbox(body, type, with, 3, "p20x");

    [Fact]
    public void What_a_reaction_says_can_be_read_back()
    {
        var (of, emoji, isOn, from) = EventBody.ReactionOf(Reaction());

        Assert.Equal((42, "👍🏽", true), (of, emoji, isOn));
        Assert.Equal("\"user\":\"ana\",\"name\":\"Ana\",\"kind\":\"person\"", Encoding.UTF8.GetString(from));
    }

    [Fact]
    public void Of_a_changed_message_all_else_stays()
    {
        var said = EventBody.Message(EventType.Message, _sensor, "m1", "hi", 0x42, _at, 7);

        Assert.Equal((EventType.Message, _at, 7UL, 0x42L, true), Read(EventBody.WithText(said, "hello")));
        Assert.Equal((EventType.Removed, null, 0UL, null, true), Read(EventBody.Removed(said, _ana)));
        Assert.Equal(EventBody.IdOf(said), EventBody.IdOf(EventBody.Removed(said, _ana)));

        // What a later version has put beside the text is passed on.
        var text = "\"text\":\"hi\","u8;
        byte[] later = [.. said[..said.AsSpan().IndexOf(text)], .. "\"mood\":[1,{\"a\":\"é\"}],"u8, .. said[said.AsSpan().IndexOf(text)..]];
        Assert.Contains("\"mood\":[1,{\"a\":\"é\"}],\"text\":\"hello\",\"replyTo\":66", Encoding.UTF8.GetString(EventBody.WithText(later, "hello")), StringComparison.Ordinal);
    }

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

        foreach (var type in Enumerable.Range(0, 256).Where(type => type is (< 1 or > 8) and not 9 and (< 16 or > 22) and not 31 and (< 32 or > 38) and (< 48 or > 50)))
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

    private static byte[] Edit(string text) => EventBody.Act(EventType.Edit, _ana, "e1", writer =>
    {
        writer.WriteNumber("of"u8, 42);
        writer.WriteString("text"u8, text);
    });

    private static byte[] Reaction() => EventBody.Act(EventType.Reaction, _ana, "r1", writer =>
    {
        writer.WriteNumber("of"u8, 42);
        writer.WriteString("emoji"u8, "👍🏽");
        writer.WriteBoolean("on"u8, true);
    });

    private static string Json(byte[] body, string placeField, string place, long seq, long changedBy = 0)
    {
        ArrayBufferWriter<byte> json = new();
        LogEntry entry = new(seq, _at, "1", body) { ChangedBy = changedBy, ChangedAt = changedBy == 0 ? default : _at.AddSeconds(1) };
        EventBody.WriteJson(json, entry, "k3f9", Encoding.ASCII.GetBytes(placeField), Encoding.ASCII.GetBytes(place));
        return Encoding.UTF8.GetString(json.WrittenSpan);
    }

    internal static string Golden(string name)
    {
        var root = typeof(EventBodyTests).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().First(attribute => attribute.Key == "Root").Value!;
        return File.ReadLines(Path.Combine(root, "tests", "contract", "event-json.txt")).Single(line => line.StartsWith(name + ": ", StringComparison.Ordinal))[(name.Length + 2)..];
    }
}
