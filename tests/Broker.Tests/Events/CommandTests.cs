using System.Text;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Tests.Events;

public sealed class CommandTests
{
    [Theory]
    [InlineData("hello")]
    [InlineData("  two words  ")]
    [InlineData("42")]
    [InlineData("\"quoted\"")]
    [InlineData("[1,2]")]
    [InlineData("21.5")]
    [InlineData("true")]
    [InlineData("null")]
    [InlineData("{not json")]
    [InlineData("{\"type\":\"message\"")]
    [InlineData("{\"type\":\"message\",\"text\":\"x\"} and more")]
    [InlineData("{}}")]
    [InlineData("\uFEFF{\"type\":\"message\",\"text\":\"x\"}")]
    public void What_is_no_JSON_object_is_the_text_of_a_message(string payload) => Assert.Equal(new Command(payload, null, null), Parse(payload));

    [Theory]
    [InlineData("{}")]
    [InlineData("{\"temp\":21}")]
    [InlineData("  {\"text\":\"x\", \"nested\":{\"type\":\"message\"}}\n")]
    [InlineData("{\"id\":7,\"replyTo\":\"x\",\"text\":[]}")]
    [InlineData("{\"id\":\"sensor-1\",\"replyTo\":3,\"unit\":\"\\u0000\"}")]
    [InlineData("{\"text\":\"\\ud800\"}")]
    public void Fault_Q23_A_JSON_object_without_a_type_is_the_text_of_a_message(string payload)
    {
        Assert.Equal(new Command(payload, null, null), Parse(payload));
        Assert.Equal("property", Command.Parse(Encoding.UTF8.GetBytes(payload), "property"u8, 4000, out _)!.Id);
    }

    [Fact]
    public void Fault_Q23_Such_an_object_is_held_to_the_limit_of_texts()
    {
        var payload = "{\"temp\":21}"u8;

        Assert.NotNull(Command.Parse(payload, default, payload.Length, out _));
        Assert.Null(Command.Parse(payload, default, payload.Length - 1, out var error));
        Assert.Contains("longer", error, StringComparison.Ordinal);
    }

    [Fact]
    public void A_JSON_object_is_a_command() =>
        Assert.Equal(new Command("olá", "a-1", 7), Parse("""  {"type":"message","text":"ol\u00e1","id":"a-1","replyTo":7}"""));

    [Theory]
    [InlineData("""{"type":"message","text":"x","colour":"red","nested":{"type":"edit","list":[1,{}]}}""")]
    [InlineData("""{"seq":"one","epoch":1,"at":[],"from":{"user":"eve"},"room":7,"v":"x","type":"message","text":"x"}""")]
    [InlineData("""{"text":"y","type":"edit","type":"message","text":"x"}""")]
    public void Attack_37_Unknown_fields_and_those_of_the_server_are_ignored(string payload) => Assert.Equal(new Command("x", null, null), Parse(payload));

    [Theory]
    [InlineData("""{"type":"dance","text":"x"}""", "type")]
    [InlineData("""{"type":7,"text":"x"}""", "\"type\"")]
    [InlineData("""{"type":null,"text":"x"}""", "\"type\"")]
    [InlineData("""{"type":"message"}""", "text")]
    [InlineData("""{"type":"message","text":7}""", "\"text\"")]
    [InlineData("""{"type":"message","text":["x"]}""", "\"text\"")]
    [InlineData("""{"type":"message","text":""}""", "text")]
    [InlineData("""{"type":"message","text":" \n\t"}""", "text")]
    [InlineData("""{"type":"message","text":"a\u0000b"}""", "U+0000")]
    [InlineData("""{"type":"message","text":"\ud800"}""", "Unicode")]
    [InlineData("""{"type":"message","text":"x","id":7}""", "\"id\"")]
    [InlineData("""{"type":"message","text":"x","id":null}""", "\"id\"")]
    [InlineData("""{"type":"message","text":"x","id":""}""", "\"id\"")]
    [InlineData("""{"type":"message","text":"x","id":"a\nb"}""", "\"id\"")]
    [InlineData("""{"type":"message","text":"x","id":"a\u0085b"}""", "\"id\"")]
    [InlineData("""{"type":"message","text":"x","replyTo":0}""", "\"replyTo\"")]
    [InlineData("""{"type":"message","text":"x","replyTo":-1}""", "\"replyTo\"")]
    [InlineData("""{"type":"message","text":"x","replyTo":1.5}""", "\"replyTo\"")]
    [InlineData("""{"type":"message","text":"x","replyTo":"1"}""", "\"replyTo\"")]
    [InlineData("""{"type":"message","text":"x","replyTo":null}""", "\"replyTo\"")]
    [InlineData("""{"type":"message","text":"x","replyTo":99999999999999999999}""", "\"replyTo\"")]
    [InlineData("""{"\ud800":1,"type":"message","text":"x"}""", "Unicode")]
    [InlineData("", "text")]
    [InlineData("   ", "text")]
    [InlineData("a\0b", "U+0000")]
    public void A_bad_value_of_a_known_field_is_refused_and_the_reason_names_it(string payload, string named)
    {
        Assert.Null(Command.Parse(Encoding.UTF8.GetBytes(payload), default, 4000, out var error));
        Assert.Contains(named, error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("FF")]
    [InlineData("61C0AF")]
    [InlineData("EDA080")]
    public void Ill_formed_UTF8_is_no_text(string hex)
    {
        Assert.Null(Command.Parse(Convert.FromHexString(hex), default, 4000, out var error));
        Assert.Contains("UTF-8", error, StringComparison.Ordinal);
    }

    [Fact]
    public void Ill_formed_UTF8_within_a_command_is_refused()
    {
        byte[] payload = [.. "{\"type\":\"message\",\"text\":\""u8, 0xFF, .. "\"}"u8];

        Assert.Null(Command.Parse(payload, default, 4000, out var error));
        Assert.NotEmpty(error);
    }

    [Fact]
    public void The_limit_counts_characters_and_not_bytes_or_halves()
    {
        Assert.NotNull(Command.Parse(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("😀", 10))), default, 10, out _));
        Assert.Null(Command.Parse(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("😀", 11))), default, 10, out var error));
        Assert.Contains("10", error, StringComparison.Ordinal);
        Assert.NotNull(Command.Parse(new byte[] { 97 }.Concat(Enumerable.Repeat((byte)98, 100_000)).ToArray(), default, 0, out _));
    }

    [Fact]
    public void An_id_has_128_bytes_at_most()
    {
        Assert.NotNull(Parse($$"""{"type":"message","text":"x","id":"{{new string('é', 64)}}"}"""));
        Assert.Null(Command.Parse(Encoding.UTF8.GetBytes($$"""{"type":"message","text":"x","id":"{{new string('é', 65)}}"}"""), default, 4000, out var error));
        Assert.Contains("128", error, StringComparison.Ordinal);
    }

    [Fact]
    public void The_id_of_the_payload_wins_over_the_property()
    {
        Assert.Equal("property", Command.Parse("hello"u8, "property"u8, 4000, out _)!.Id);
        Assert.Equal("property", Command.Parse("""{"type":"message","text":"x"}"""u8, "property"u8, 4000, out _)!.Id);
        Assert.Equal("payload", Command.Parse("""{"type":"message","text":"x","id":"payload"}"""u8, "property"u8, 4000, out _)!.Id);
    }

    [Fact]
    public void JSON_nested_too_deep_to_be_read_is_text()
    {
        var payload = "{\"type\":\"message\",\"text\":\"x\",\"a\":" + new string('[', 200) + new string(']', 200) + "}";

        Assert.Equal(payload, Parse(payload).Text);
    }

    [Fact]
    public void What_somebody_does_is_said_as_an_action_and_is_another_content()
    {
        var action = Parse("""{"type":"message","text":"waves","action":true,"replyTo":7}""");

        Assert.Equal(new Command("waves", null, 7, IsAction: true), action);
        Assert.NotEqual(new Command("waves", null, 7).ContentHash(), action.ContentHash());
        Assert.NotEqual((action with { ReplyTo = null }).ContentHash(), action.ContentHash());
        Assert.Equal(EventBody.ContentHash("waves", 7), new Command("waves", null, 7).ContentHash());

        // Version 1 did not look at the field.
        Assert.False(Parse("""{"type":"message","text":"waves","action":false}""").IsAction);
        Assert.False(Parse("""{"type":"message","text":"waves","action":["true"]}""").IsAction);
        Assert.False(Parse("""{"text":"waves","action":true}""").IsAction);
    }

    [Fact]
    public void What_is_done_to_a_message_is_a_command_with_its_seq()
    {
        Assert.Equal(new Command("", "e", null, new MessageAct.Edit(7, "olá")), Parse("""{"type":"edit","of":7,"text":"ol\u00e1","id":"e"}"""));
        Assert.Equal(new Command("", null, null, new MessageAct.Delete(7, null)), Parse("""{"type":"delete","of":7}"""));
        Assert.Equal(
            new Command("", null, null, new MessageAct.Delete(7, "too ⏎ loud")), Parse("""{"type":"delete","of":7,"reason":" too\nloud "}"""));
        Assert.Equal(new Command("", null, null, new MessageAct.Reaction(7, "👍", false)), Parse("""{"type":"reaction","of":7,"emoji":"👍","on":false}"""));
        Assert.Equal("""{"type":"reaction","of":7,"emoji":"\uD83D\uDC4D","on":true}""", new MessageAct.Reaction(7, "👍", true).Canonical);
        Assert.Equal("""{"type":"edit","of":7,"text":"x"}""", new MessageAct.Edit(7, "x").Canonical);
        Assert.Equal("""{"type":"delete","of":7}""", new MessageAct.Delete(7, null).Canonical);
    }

    [Theory]
    [InlineData("""{"type":"edit","text":"x"}""", "\"of\"")]
    [InlineData("""{"type":"edit","of":0,"text":"x"}""", "\"of\"")]
    [InlineData("""{"type":"edit","of":"7","text":"x"}""", "of")]
    [InlineData("""{"type":"edit","of":1.5,"text":"x"}""", "of")]
    [InlineData("""{"type":"edit","of":99999999999999999999,"text":"x"}""", "of")]
    [InlineData("""{"type":"edit","of":7}""", "text")]
    [InlineData("""{"type":"edit","of":7,"text":" "}""", "text")]
    [InlineData("""{"type":"edit","of":7,"text":"a\u0000b"}""", "U+0000")]
    [InlineData("""{"type":"edit","of":7,"text":"\ud800"}""", "Unicode")]
    [InlineData("""{"type":"delete"}""", "\"of\"")]
    [InlineData("""{"type":"reaction","of":7,"on":true}""", "\"emoji\"")]
    [InlineData("""{"type":"reaction","of":7,"emoji":"👍"}""", "\"on\"")]
    [InlineData("""{"type":"reaction","of":7,"emoji":"👍","on":"yes"}""", "on")]
    [InlineData("""{"type":"delete","of":7,"reason":7}""", "reason")]
    [InlineData("""{"type":"delete","of":7,"id":""}""", "\"id\"")]
    public void Such_a_command_that_is_not_whole_is_refused_and_the_reason_names_what(string payload, string named)
    {
        Assert.Null(Command.Parse(Encoding.UTF8.GetBytes(payload), default, 4000, out var error));
        Assert.Contains(named, error, StringComparison.Ordinal);
    }

    private static Command Parse(string payload)
    {
        var command = Command.Parse(Encoding.UTF8.GetBytes(payload), default, 4000, out var error);
        Assert.Equal("", error);
        return command!;
    }
}
