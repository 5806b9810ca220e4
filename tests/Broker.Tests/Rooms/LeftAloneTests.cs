using System.Net;
using System.Text.Json;
using WebMessenger.Broker.Preferences;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Who wants to be left alone is, and whoever addresses him learns nothing of it.</summary>
public sealed class LeftAloneTests
{
    public static TheoryData<Way> Ways => [Way.Mqtt5, Way.Mqtt311, Way.Http];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task A_whisper_to_who_takes_none_is_answered_as_if_there_were_nobody(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bea) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bea"));
        await using var anas = await Speaker.AsAsync(broker, way, ana);
        Assert.Equal(Speaker.Done, await WhisperAsync(anas, "bea"));
        var toNobody = await WhisperAsync(anas, "nobody-of-this-name");
        Assert.NotEqual(Speaker.Done, toNobody);

        await ChooseAsync(broker, bea, "whisperedBy", "nobody");

        // The two have talked, and yet.
        await using var later = await Speaker.AsAsync(broker, way, ana);
        Assert.Equal(toNobody, await WhisperAsync(later, "bea"));
        Assert.Equal(toNobody, await WhisperAsync(later, "bea", """{"type":"reaction","of":1,"emoji":"👍","on":true}"""));
        Assert.Equal(Speaker.Done, await WhisperAsync(later, "bea", """{"type":"delete","of":1}"""));
        await using var beas = await Speaker.AsAsync(broker, way, bea);
        Assert.Equal(Speaker.Done, await WhisperAsync(beas, "ana"));
        Assert.Equal(Speaker.Done, await WhisperAsync(beas, "bea"));

        await broker.RestartAsync();
        await using var after = await Speaker.AsAsync(broker, way, ana);
        Assert.Equal(toNobody, await WhisperAsync(after, "bea"));
        await ChooseAsync(broker, bea, "whisperedBy", null);
        await using var again = await Speaker.AsAsync(broker, way, ana);
        Assert.Equal(Speaker.Done, await WhisperAsync(again, "bea"));
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Whatever_is_said_or_done_to_who_takes_none_is_answered_as_if_there_were_nobody(Way way)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:TextLength", "100");
        var (ana, bea, caio) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bea"), await broker.RegisterAsync("caio"));
        await using (var before = await Speaker.AsAsync(broker, way, ana))
        {
            Assert.Equal(Speaker.Done, await WhisperAsync(before, "bea"));
        }

        await ChooseAsync(broker, bea, "whisperedBy", "nobody");
        await ChooseAsync(broker, caio, "whisperedBy", "rooms");
        await using var anas = await Speaker.AsAsync(broker, way, ana);
        var tooLong = new string('x', 101);
        foreach (var payload in new[]
        {
            """{"type":"message","text":"psst","replyTo":1}""",
            """{"type":"message","text":"psst","replyTo":99}""",
            """{"type":"edit","of":1,"text":"more"}""",
            """{"type":"edit","of":99,"text":"more"}""",
            """{"type":"reaction","of":99,"emoji":"👍","on":true}""",
            """{"type":"delete","of":99}""",
            $$"""{"type":"message","text":"{{tooLong}}"}""",
            $$"""{"type":"message","text":"{{tooLong}}","id":"a"}""",
            $$"""{"type":"edit","of":1,"text":"{{tooLong}}"}""",
            """{"type":"pin","of":1,"on":true}""",
            """{"type":"nothing that there is"}""",
        })
        {
            var toNobody = await WhisperAsync(anas, "nobody-of-this-name", payload);
            Assert.NotEqual(Speaker.Done, toNobody);
            Assert.Equal((payload, toNobody), (payload, await WhisperAsync(anas, "bea", payload)));
            Assert.Equal((payload, toNobody), (payload, await WhisperAsync(anas, "caio", payload)));
        }

        if (way != Way.Http)
        {
            async Task<string> TypeAsync(string user) => await anas.DoAsync($"users/{user}/typing", "", "");
            var toNobody = await anas.TypeAsync("users/nobody-of-this-name/typing");
            Assert.Equal("not_allowed", toNobody);
            Assert.Equal(toNobody, await anas.TypeAsync("users/bea/typing"));
            Assert.Equal(await TypeAsync("nobody-of-this-name"), await TypeAsync("bea"));
            Assert.Equal(await TypeAsync("nobody-of-this-name"), await TypeAsync("caio"));
        }
    }

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Who_is_written_to_by_people_of_his_rooms_hears_these_and_whom_he_has_talked_to(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var (ana, bea, caio) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bea"), await broker.RegisterAsync("caio"));
        await using (var before = await Speaker.AsAsync(broker, way, caio))
        {
            Assert.Equal(Speaker.Done, await WhisperAsync(before, "bea"));
        }

        await ChooseAsync(broker, bea, "whisperedBy", "rooms");
        await using var anas = await Speaker.AsAsync(broker, way, ana);
        await using var caios = await Speaker.AsAsync(broker, way, caio);
        var toNobody = await WhisperAsync(anas, "nobody-of-this-name");
        Assert.Equal(toNobody, await WhisperAsync(anas, "bea"));
        Assert.Equal(Speaker.Done, await WhisperAsync(caios, "bea"));

        using var beas = Calls.As(broker, bea);
        using var others = Calls.As(broker, ana);
        await beas.MakeRoom("den");
        await others.Put("/api/rooms/den/members/me");

        await using var later = await Speaker.AsAsync(broker, way, ana);
        Assert.Equal(Speaker.Done, await WhisperAsync(later, "bea"));
    }

    [Theory]
    [InlineData("nobody", false, false)]
    [InlineData("rooms", false, true)]
    [InlineData("anybody", true, true)]
    public async Task Who_is_left_alone_is_asked_into_no_room_and_who_asks_is_answered_as_ever(string choice, bool byStranger, bool byOneOfHisRooms)
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("first");
        var (ana, bea, caio) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bea"), await broker.RegisterAsync("caio"));
        using var anas = Calls.As(broker, ana);
        using var beas = Calls.As(broker, bea);
        using var caios = Calls.As(broker, caio);
        await anas.MakeRoom("anas", "private");
        await caios.MakeRoom("caios", "private");
        await caios.MakeRoom("shared");
        await beas.Put("/api/rooms/shared/members/me");
        await ChooseAsync(broker, bea, "invitedBy", choice);

        await anas.Put("/api/rooms/anas/members/bea", HttpStatusCode.Accepted);
        await anas.Put("/api/rooms/anas/members/nobody-of-this-name", HttpStatusCode.Accepted);
        await caios.Put("/api/rooms/caios/members/bea", HttpStatusCode.Accepted);

        var asked = (await beas.Get("/api/rooms?mine=true")).GetProperty("invited").EnumerateArray().Select(one => one.GetProperty("room").GetString());
        Assert.Equal((byStranger, byOneOfHisRooms), (asked.Contains("anas"), asked.Contains("caios")));
        await beas.Put("/api/rooms/anas/members/me", byStranger ? HttpStatusCode.NoContent : HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task Nothing_said_gets_a_number_after_the_answer_to_who_wants_to_hear_nobody()
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bea) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bea"));
        await using var client = await broker.ConnectAsync(ana);
        var conversation = broker.Get<RoomDirectory>().InboxOf(ana.Account).With(bea.Account);
        for (var round = 0; round < 40; round++)
        {
            Assert.True((await client.PublishAsync("users/bea", "in time")).Accepted);
            var speaking = client.PublishAsync("users/bea", "perhaps too late");

            await ChooseAsync(broker, bea, "whisperedBy", "nobody");

            var head = conversation.LogHead.Head;
            await speaking;
            Assert.Equal(0x87, (await client.PublishAsync("users/bea", "too late")).ReasonCode);
            Assert.Equal(head, conversation.LogHead.Head);
            await ChooseAsync(broker, bea, "whisperedBy", "anybody");
        }
    }

    [Theory]
    [InlineData("nobody")]
    [InlineData("rooms")]
    public async Task Nobody_hears_that_a_stranger_writes_to_him_who_is_left_alone(string choice)
    {
        await using var broker = await RunningBroker.StartAsync();
        var (ana, bea, caio) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bea"), await broker.RegisterAsync("caio"));
        await using var listener = await broker.ConnectAsync(bea);
        await listener.SubscribeAsync("users/bea/conversations/+/typing", 0);
        await using var anas = await broker.ConnectAsync(ana);
        await using var caios = await broker.ConnectAsync(caio);
        await anas.SendPublishAsync("users/bea/typing", default);
        Assert.Equal("users/bea/conversations/ana/typing", (await listener.NextPublishAsync()).Topic);

        await ChooseAsync(broker, bea, "whisperedBy", choice);
        await anas.SendPublishAsync("users/bea/typing", default);
        await anas.PublishAsync("rooms/lobby", "what was sent before is dealt with");
        await ChooseAsync(broker, bea, "whisperedBy", "anybody");
        await caios.SendPublishAsync("users/bea/typing", default);

        Assert.Equal("users/bea/conversations/caio/typing", (await listener.NextPublishAsync()).Topic);
    }

    [Theory]
    [InlineData("invitedBy")]
    [InlineData("whisperedBy")]
    public async Task A_choice_that_there_is_not_is_refused_with_its_name(string name)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        using var page = Calls.OfPage(broker, await broker.SignInAsync(ana.Account));
        foreach (var choice in new object?[] { "anybody", "rooms", "nobody", null })
        {
            await page.Expect(HttpStatusCode.OK, HttpMethod.Patch, "/api/settings", new Dictionary<string, object?> { [name] = choice });
        }

        foreach (var choice in new object[] { "friends", "", 1, true })
        {
            var refused = await page.Expect(HttpStatusCode.BadRequest, HttpMethod.Patch, "/api/settings", new Dictionary<string, object> { [name] = choice });
            Assert.True(refused.GetProperty("errors").TryGetProperty(name, out _));
        }
    }

    private static Task<string> WhisperAsync(Speaker speaker, string user, string payload = """{"type":"message","text":"psst"}""") =>
        speaker.DoAsync("users/" + user, $"/api/conversations/{user}/events", payload);

    private static async Task ChooseAsync(RunningBroker broker, Member member, string name, string? choice) => Assert.Equal(
        SettingsOutcome.Stored,
        await broker.Get<AccountSettings>().ChangeAsync(
            member.Account, new Dictionary<string, JsonElement> { [name] = JsonSerializer.SerializeToElement(choice) }));
}
