using System.Text;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Tests.Hooks;

/// <summary>What bodies of programs elsewhere say.</summary>
public sealed class HookTextTests
{
    private static readonly int Most = BotText.LongestFor(new BrokerLimits());

    private const string Json = "application/json";
    private const string Form = "application/x-www-form-urlencoded";

    [Theory]
    // Plain text, with what curl says of a body unasked.
    [InlineData("text/plain", "hello", "hello")]
    [InlineData(Form, "disk=full & more", "disk=full & more")]
    [InlineData(null, "  line 1\nline 2\n", "line 1\nline 2")]
    [InlineData(null, "{not json", "{not json")]
    [InlineData(null, "[1,2]", "[1,2]")]
    // Ours.
    [InlineData(Json, """{"type":"message","text":"a <https://x.org|b> &amp; c"}""", "a <https://x.org|b> &amp; c")]
    [InlineData(null, """{"type":"message","text":"said without a content type"}""", "said without a content type")]
    // Slack's: links and escapes, attachments, the form of its first clients.
    [InlineData(Json, """{"text":"see <https://x.org/1|the build> &lt;b&gt; &amp; <https://y.org>"}""", "see the build (https://x.org/1) <b> & https://y.org")]
    [InlineData(Json, """{"text":"","attachments":[{"fallback":"f","pretext":"p","title":"t","title_link":"https://x.org","text":"x","fields":[{"title":"host","value":"a"},{"value":"b"}]}]}""", "p\nt (https://x.org)\nx\nhost: a\nb")]
    [InlineData(Json, """{"attachments":[{"fallback":"only this"},7,{"fields":[3]}]}""", "only this")]
    [InlineData(Form, "payload=%7B%22text%22%3A%22a+%2B+%C3%A9%22%7D", "a + é")]
    // Grafana's own webhook, Uptime Kuma's, Discord's.
    [InlineData(Json, """{"title":"[FIRING:1] hot","message":"temp is 40","state":"alerting"}""", "temp is 40")]
    [InlineData(Json, """{"heartbeat":{"status":0},"monitor":{"name":"shop"},"msg":"[shop] [Down] timeout"}""", "[shop] [Down] timeout")]
    [InlineData(Json, """{"content":"from discord's friends","username":"bot"}""", "from discord's friends")]
    [InlineData(Json, """{"title":"nothing else"}""", "nothing else")]
    public void A_body_says_its_text(string? contentType, string body, string said) => Assert.Equal(said, Read(contentType, body).Words?.Text);

    [Theory]
    [InlineData("text/plain", "", "no_text")]
    [InlineData("text/plain", " \n ", "no_text")]
    [InlineData(Json, "{}", "no_text")]
    [InlineData(Json, """{"zen":"Keep it logically awesome.","hook_id":1}""", "no_text")]
    [InlineData(Json, """{"text":7}""", "no_text")]
    [InlineData(Json, """{"text":"\ud800"}""", "no_text")]
    [InlineData(Json, """{"type":"message"}""", "no_text")]
    [InlineData(Json, "not json", "invalid_json")]
    [InlineData(Json, "[]", "invalid_json")]
    [InlineData(Json, """{"\ud800":"x"}""", "invalid_json")]
    [InlineData(Json, """{"text":"x","\ud800":1}""", "invalid_json")]
    [InlineData(Json, """{"text":"cut""", "invalid_json")]
    [InlineData(Form, "payload=x", "invalid_json")]
    [InlineData(Json, """{"type":"message","text":"x","id":""}""", "invalid_id")]
    public void A_body_without_a_text_says_why(string contentType, string body, string why)
    {
        var read = Read(contentType, body);

        Assert.Null(read.Words);
        Assert.Equal(why, read.Why);
    }

    [Fact]
    public void Bytes_that_are_no_text_say_nothing() => Assert.Equal("no_text", HookText.Read(null, [0x89, 0x50, 0xFF], null, Most).Why);

    [Fact]
    public void A_value_that_lies_too_deep_is_no_JSON_of_ours() => Assert.Equal(
        "invalid_json", Read(Json, """{"text":"x","a":""" + new string('[', 40) + new string(']', 40) + "}").Why);

    [Theory]
    [InlineData("{repository.full_name}: {head_commit.message} ({pusher.name})", "o/r: fix it (ana)")]
    [InlineData("{commits[0].id} {commits[1].id} {commits.1.id}!", "1 2 2!")]
    [InlineData("{{{head_commit['message']}}}", "{fix it}")]
    [InlineData("{$.pusher}", """{"name":"ana"}""")]
    [InlineData("{value_json.forced} {missing}", "false ")]
    [InlineData("no places", "no places")]
    public void A_template_says_what_it_finds(string template, string said)
    {
        const string Push = """
            {"repository":{"full_name":"o/r"},"head_commit":{"message":"fix it"},"pusher":{"name":"ana"},"commits":[{"id":1},{"id":2}],"forced":false}
            """;
        Assert.Equal(said.Trim(), Read(Json, Push, template).Words?.Text);
    }

    [Fact]
    public void A_template_that_finds_nothing_says_nothing()
    {
        Assert.Equal("x", Read(Json, """{"a":"x"}""", "{a}").Words?.Text);
        Assert.Equal("nothing", Read(Json, """{"zen":"…"}""", "{a}: {b.c}").Why);
    }

    [Theory]
    [InlineData("{a", false)]
    [InlineData("a}", false)]
    [InlineData("{}", false)]
    [InlineData("{a b}", false)]
    [InlineData("{a..b}", false)]
    [InlineData("{a[}", false)]
    [InlineData("{a[-1]}", false)]
    [InlineData("{a['b}", false)]
    [InlineData(" ", false)]
    [InlineData("{a['b c'][0].d}", true)]
    [InlineData("{ a }", true)]
    public void A_template_is_of_names_and_indexes_alone(string text, bool isOne) => Assert.Equal(isOne, SpokenTemplate.TryParse(text, out _));

    [Fact]
    public void A_template_has_an_end()
    {
        Assert.True(SpokenTemplate.TryParse(new string('x', 1_000), out _));
        Assert.False(SpokenTemplate.TryParse(new string('x', 1_001), out _));
        Assert.False(SpokenTemplate.TryParse(string.Concat(Enumerable.Repeat("{a}", 60)), out _));
    }

    [Fact]
    public void What_a_caller_calls_itself_is_one_short_line()
    {
        Assert.Equal("Grafana", Read(Json, """{"text":"x","username":"Grafana"}""").Words?.Via);
        Assert.Equal("a ⏎ b", Read(Json, """{"text":"x","username":" a\nb\u202e\u001b "}""").Words?.Via);
        Assert.Equal(new string('é', 64), Read(Json, $$"""{"text":"x","username":"{{new string('é', 300)}}"}""").Words?.Via);
        Assert.Null(Read(Json, """{"text":"x","username":""}""").Words?.Via);
    }

    [Fact]
    public void A_template_makes_no_more_of_what_was_sent_than_is_said()
    {
        var filled = Read(Json, $$"""{"a":"{{new string('x', 60_000)}}"}""", string.Concat(Enumerable.Repeat("{a}", 40))).Words!.Text;
        Assert.Equal(Most, filled.Length);
        Assert.Equal(new string('x', 3_999) + '…', BotText.Within(filled, new BrokerLimits()));
        Assert.Equal("xx!", Read(Json, """{"a":"x"}""", "{a}{a}!").Words!.Text);

        // What would not fit any more is not even looked for.
        Assert.True(SpokenTemplate.TryParse(string.Concat(Enumerable.Repeat("{a}", 40)), out var template));
        var places = 0;
        template.Fill(
            _ =>
            {
                places++;
                return new string('x', 60_000);
            },
            Most);
        Assert.Equal(1, places);

        // Without a limit of texts there is one of what is made of them.
        Assert.Equal(65_536, BotText.LongestFor(new BrokerLimits { TextLength = 0 }));
        Assert.Equal(int.MaxValue, BotText.LongestFor(new BrokerLimits { TextLength = int.MaxValue }));
    }

    private static HookWords Read(string? contentType, string body, string? template = null)
    {
        SpokenTemplate? parsed = null;
        Assert.True(template is null || SpokenTemplate.TryParse(template, out parsed));
        return HookText.Read(contentType, Encoding.UTF8.GetBytes(body), parsed, Most);
    }
}
