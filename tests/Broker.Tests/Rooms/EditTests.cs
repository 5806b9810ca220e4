using System.Net;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who said something gives it another text: for all, in history and after a restart, and with one text alone.</summary>
public sealed class EditTests
{
    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task An_edit_is_an_event_and_the_message_has_its_text_from_then_on(string versionName)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var answered = await talk.SayAsync(talk.Caio, "and you?");
        var said = await talk.SayAsync(talk.Bea, $$"""{"type":"message","text":"helo","replyTo":{{answered}}}""");
        await using var listener = await broker.ConnectAsync(talk.Caio, Enum.Parse<MqttVersion>(versionName));
        await listener.SubscribeAsync(Topic);
        await listener.SubscribeAsync(Topic + "/text", 0);
        await using var author = await broker.ConnectAsync(talk.Bea, Enum.Parse<MqttVersion>(versionName));

        Assert.True((await author.PublishAsync(Topic, Payload("edit", said, ""","text":"hello 👋" """))).Accepted);

        var heard = (await listener.PublishesUntilAsync(publish => publish.Json.Type() == "edit"))[^1].Json;
        Assert.Equal(("bea", said, "hello 👋"), (
            heard.GetProperty("from").GetProperty("user").GetString(), heard.GetProperty("of").GetInt64(), heard.Text()));

        // Lines are of messages alone: the next one that is shown is that of the next message.
        await talk.SayAsync(talk.Bea, "next");
        Assert.Equal("bea: next", (await listener.PublishesUntilAsync(publish => publish.Topic == Topic + "/text"))[^1].Text);
        for (var start = 0; start < 2; start++)
        {
            var message = await talk.EventAsync(said);
            Assert.Equal(("message", "hello 👋", answered), (message.Type(), message.Text(), message.GetProperty("replyTo").GetInt64()));
            Assert.Equal(
                (heard.GetProperty("seq").GetInt64(), heard.GetProperty("at").GetString()),
                (message.GetProperty("edited").GetProperty("seq").GetInt64(), message.GetProperty("edited").GetProperty("at").GetString()));
            await broker.RestartAsync();
        }
    }

    [Fact]
    public async Task An_edit_of_what_is_over_at_some_time_is_over_with_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await using var client = await broker.ConnectAsync(talk.Bea);
        var said = (await client.PublishAsync(Topic, "for an hour", properties: new MqttProperties { { PropertyId.MessageExpiry, 3600 } })).Seq;
        var lasting = await talk.SayAsync(talk.Bea, "for ever");
        await using var listener = await broker.ConnectAsync(talk.Caio);
        await listener.SubscribeAsync(Topic);

        Assert.Null((await talk.EditAsync(talk.Bea, said, "edited, for an hour")).Refusal);
        Assert.Null((await talk.EditAsync(talk.Bea, lasting, "edited, for ever")).Refusal);

        var heard = await listener.PublishesUntilAsync(publish => publish.Text.Contains("edited, for ever", StringComparison.Ordinal));
        Assert.InRange(heard[^2].Properties.Number(PropertyId.MessageExpiry) ?? 0, 3300u, 3600u);
        Assert.Null(heard[^1].Properties.Number(PropertyId.MessageExpiry));
    }

    [Fact]
    public async Task Attack_47_A_second_edit_leaves_no_text_of_the_first()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "of the first");
        var first = await talk.EditAsync(talk.Bea, said, "of the second");
        Assert.Contains("of the second", talk.Stored(), StringComparison.Ordinal);

        var second = await talk.EditAsync(talk.Bea, said, "of the third");

        Assert.Equal((null, null), (first.Refusal, second.Refusal));
        Assert.Equal("of the third", TextOf(await talk.EventAsync(said)));
        Assert.Equal((null, "of the third"), (TextOf(await talk.EventAsync(first.Seq)), TextOf(await talk.EventAsync(second.Seq))));
        Assert.DoesNotContain("of the first", talk.Stored(), StringComparison.Ordinal);
        Assert.DoesNotContain("of the second", talk.Stored(), StringComparison.Ordinal);
        Assert.Equal(said, (await talk.EventAsync(first.Seq)).GetProperty("of").GetInt64());
    }

    [Fact]
    public async Task What_is_sent_again_under_its_id_is_done_once_and_revives_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one", id: "said");
        var first = await talk.EditAsync(talk.Bea, said, "two", "first");
        var second = await talk.EditAsync(talk.Bea, said, "three", "second");

        var again = await talk.EditAsync(talk.Bea, said, "two", "first");

        Assert.Equal((null, first.Seq, true), (again.Refusal, again.Seq, again.IsRepeated));
        Assert.Equal("id_used", (await talk.EditAsync(talk.Bea, said, "other", "second")).Refusal?.Notice);
        Assert.Equal(said, await talk.SayAsync(talk.Bea, "one", id: "said"));
        Assert.Equal("three", TextOf(await talk.EventAsync(said)));

        // Also when it could not be done any more.
        Assert.Null((await talk.DeleteAsync(talk.Bea, said)).Refusal);
        Assert.Equal((null, second.Seq), ((await talk.EditAsync(talk.Bea, said, "three", "second")).Refusal, second.Seq));
        Assert.Equal("removed", (await talk.EditAsync(talk.Bea, said, "four", "third")).Refusal?.Notice);
        Assert.Equal("removed", (await talk.EventAsync(said)).Type());
        Assert.Equal(said, await talk.SayAsync(talk.Bea, "one", id: "said"));
    }

    [Fact]
    public async Task Of_two_edits_that_one_client_sends_at_once_the_second_stays()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "0");
        await using var author = await broker.ConnectAsync(talk.Bea);

        var sent = Enumerable.Range(1, 20).Select(number => author.PublishAsync(Topic, Payload("edit", said, $",\"text\":\"{number}\""))).ToList();

        var answers = await Task.WhenAll(sent);
        Assert.All(answers, answer => Assert.True(answer.Accepted, answer.ReasonString));
        Assert.Equal(answers.Select(answer => answer.Seq).Order(), answers.Select(answer => answer.Seq));
        Assert.Equal("20", TextOf(await talk.EventAsync(said)));
    }

    [Fact]
    public async Task After_the_rooms_edit_window_a_message_stays_as_it_is_and_can_be_deleted()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartWithAsync(
            services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<MessageActs>(provider, time)));
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        time.Advance(TimeSpan.FromDays(400));
        Assert.Null((await talk.EditAsync(talk.Bea, said, "two")).Refusal);

        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { EditWindow = 5 });

        Assert.Equal("not_allowed", (await talk.EditAsync(talk.Bea, said, "three")).Refusal?.Notice);
        Assert.Null((await talk.DeleteAsync(talk.Bea, said)).Refusal);
    }

    [Theory]
    [InlineData("", "required")]
    [InlineData(""","text":"" """, "invalid")]
    [InlineData(""","text":"a\u0000b" """, "invalid")]
    [InlineData(""","text":"too long to be taken" """, "too_long")]
    public async Task A_text_that_no_message_may_have_is_refused(string text, string code)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:TextLength", "10");
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        await using var author = await broker.ConnectAsync(talk.Bea);
        using var calls = Calls.As(broker, talk.Bea);

        Assert.Equal(0x83, (await author.PublishAsync(Topic, Payload("edit", said, text))).ReasonCode);
        var body = System.Text.Json.JsonDocument.Parse(Payload("edit", said, text)).RootElement;
        var problem = await calls.Expect(HttpStatusCode.BadRequest, HttpMethod.Post, "/api/rooms/yard/events", body);
        Assert.Equal(code, problem.GetProperty("errors").GetProperty("text")[0].GetProperty("code").GetString());
        Assert.Equal("one", TextOf(await talk.EventAsync(said)));
    }

    [Fact]
    public async Task Where_one_may_not_write_one_edits_nothing_and_deletes_what_is_ones_own()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        await using var zoe = await broker.ConnectBrowserAsync(await broker.SignInAsync(guest));
        var ofGuest = (await zoe.PublishAsync(Topic, "one")).Seq;
        var said = await talk.SayAsync(talk.Bea, "one");
        Assert.True((await zoe.PublishAsync(Topic, Payload("edit", ofGuest, ""","text":"two" """))).Accepted);

        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { Posting = "moderators", Guests = "read" });

        Assert.Equal("not_allowed", (await talk.EditAsync(talk.Bea, said, "two")).Refusal?.Notice);
        Assert.Equal(0x87, (await zoe.PublishAsync(Topic, Payload("edit", ofGuest, ""","text":"three" """))).ReasonCode);
        Assert.Null((await talk.DeleteAsync(talk.Bea, said)).Refusal);
        Assert.True((await zoe.PublishAsync(Topic, Payload("delete", ofGuest))).Accepted);
    }
}
