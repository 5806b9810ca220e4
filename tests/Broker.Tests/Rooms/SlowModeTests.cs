using System.Net;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>In a room with slow mode an account waits after each message, by whatever client, and moderators do not.</summary>
public sealed class SlowModeTests
{
    private const string Message = """{"type":"message","text":"hello"}""";
    private static readonly Refused _tooSoon = new(0x97, "slow_mode", HttpStatusCode.TooManyRequests);

    private readonly FakeTimeProvider _time = new();

    public static TheoryData<Way> Ways => [Way.Mqtt5, Way.Mqtt311, Way.Http];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Who_has_spoken_waits_and_moderators_do_not(Way way)
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await SlowAsync(broker, seconds: 30);
        await using var bea = await Speaker.AsAsync(broker, way, talk.Bea);
        await using var caio = await Speaker.AsAsync(broker, way, talk.Caio);
        await using var mod = await Speaker.AsAsync(broker, way, talk.Mod);

        Assert.Equal(Speaker.Done, await SayAsync(bea));
        Assert.Equal(_tooSoon.Over(way), await SayAsync(bea));
        Assert.Equal(Speaker.Done, await SayAsync(caio));
        Assert.Equal((Speaker.Done, Speaker.Done), (await SayAsync(mod), await SayAsync(mod)));

        _time.Advance(TimeSpan.FromSeconds(29));
        Assert.Equal(_tooSoon.Over(way), await SayAsync(bea));
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal((Speaker.Done, _tooSoon.Over(way)), (await SayAsync(bea), await SayAsync(bea)));

        await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { SlowMode = 0 });
        Assert.Equal((Speaker.Done, Speaker.Done), (await SayAsync(bea), await SayAsync(bea)));
    }

    [Fact]
    public async Task What_is_done_with_messages_and_what_is_sent_again_does_not_wait()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await SlowAsync(broker, seconds: 30);

        var seq = await talk.SayAsync(talk.Bea, "hello", id: "one");

        Assert.Equal(seq, await talk.SayAsync(talk.Bea, "hello", id: "one"));
        Assert.Null((await talk.ReactAsync(talk.Bea, seq, "👍")).Refusal);
        Assert.Null((await talk.EditAsync(talk.Bea, seq, "hello!")).Refusal);
        Assert.Null((await talk.DeleteAsync(talk.Bea, seq)).Refusal);
        await using var client = await broker.ConnectAsync(talk.Bea);
        Assert.Equal(0x97, (await client.PublishAsync(MessageTalk.Topic, "hello", properties: new() { { "id", "two" } })).ReasonCode);
    }

    [Fact]
    public async Task It_is_said_when_to_send_it_again()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await SlowAsync(broker, seconds: 30);
        await talk.SayAsync(talk.Bea, "hello");
        _time.Advance(TimeSpan.FromSeconds(11.5));

        await using var client = await broker.ConnectAsync(talk.Bea);
        var refused = await client.PublishAsync(MessageTalk.Topic, "again");

        Assert.Equal(("slow_mode", "19"), (refused.Properties.User("code"), refused.Properties.User("retry")));
        Assert.Contains("19 s", refused.ReasonString, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fifty_clients_of_one_account_at_once_say_one_message()
    {
        await using var broker = await RunningBroker.StartAsync(_time);
        var talk = await SlowAsync(broker, seconds: 30);
        var clients = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => broker.ConnectAsync(talk.Bea)));
        try
        {
            for (var round = 0; round < 3; round++)
            {
                var answers = await Task.WhenAll(clients.Select(client => client.PublishAsync(MessageTalk.Topic, "hello")));

                Assert.Single(answers, answer => answer.Accepted);
                Assert.Equal(49, answers.Count(answer => answer.Properties.User("code") == "slow_mode"));
                _time.Advance(TimeSpan.FromSeconds(30));
            }
        }
        finally
        {
            await Task.WhenAll(clients.Select(client => client.DisposeAsync().AsTask()));
        }
    }

    [Fact]
    public void So_many_are_remembered_and_who_spoke_first_is_forgotten_first()
    {
        SlowMode slow = new(_time);
        for (var account = 0; account <= SlowMode.MostRemembered; account++)
        {
            Assert.Null(slow.WhyNot($"account-{account}", 30));
        }

        Assert.NotNull(slow.WhyNot("account-1", 30));
        Assert.Null(slow.WhyNot("account-0", 30));
        Assert.Null(slow.WhyNot("account-1", 30));
    }

    [Fact]
    public async Task What_is_refused_is_not_paid_for()
    {
        await using var broker = await RunningBroker.StartAsync(_time, "--WebMessenger:Limits:StoredBytesPerDayPerAccount", "3000");
        var talk = await SlowAsync(broker, seconds: 30);
        await using var client = await broker.ConnectAsync(talk.Bea);
        var text = new string('a', 500);
        Assert.True((await client.PublishAsync(MessageTalk.Topic, text)).Accepted);
        for (var again = 0; again < 20; again++)
        {
            Assert.Equal("slow_mode", (await client.PublishAsync(MessageTalk.Topic, text)).Properties.User("code"));
        }

        _time.Advance(TimeSpan.FromSeconds(30));
        Assert.True((await client.PublishAsync(MessageTalk.Topic, text)).Accepted);
    }

    [Fact]
    public void Who_could_not_be_stored_speaks_again_at_once()
    {
        SlowMode slow = new(_time);
        Assert.Null(slow.WhyNot("bea", 30));

        slow.GiveBack("bea");

        Assert.Null(slow.WhyNot("bea", 30));
        Assert.NotNull(slow.WhyNot("bea", 30));
    }

    private static Task<string> SayAsync(Speaker speaker) => speaker.DoAsync(MessageTalk.Topic, "/api/rooms/yard/events", Message);

    private static async Task<MessageTalk> SlowAsync(RunningBroker broker, int seconds)
    {
        var talk = await MessageTalk.InYardAsync(broker);
        Assert.Null((await Acts.ChangeAsync(broker, "yard", talk.Maker, new() { SlowMode = seconds })).Refusal);
        return talk;
    }
}
