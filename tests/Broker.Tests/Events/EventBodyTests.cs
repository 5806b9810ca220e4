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
    [InlineData("leave")]
    [InlineData("whisper")]
    [InlineData("presence")]
    public void What_goes_out_is_as_the_contract_has_it(string name) => Assert.Equal(Golden(name), name switch
    {
        "message" => Json(EventBody.Message(EventType.Message, _ana, "client-1", "olá 👋 \"<b>\" \\ \n", null), "room", "lobby", 42),
        "reply" => Json(EventBody.Message(EventType.Message, _ana, "a\"b", "yes", 42), "room", "lobby", 43),
        "join" => Json(EventBody.Presence(EventType.Join, _guest, "s1", []), "room", "lobby", 44),
        "rush" => Json(EventBody.Presence(EventType.Join, _guest, "s2", [_ana, _sensor]), "room", "lobby", 45),
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
