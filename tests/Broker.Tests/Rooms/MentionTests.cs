using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Whom a message names is found by the server, and goes with it.</summary>
public sealed class MentionTests
{
    public static TheoryData<string, string[]> Cases()
    {
        TheoryData<string, string[]> cases = [];
        foreach (var one in JsonDocument.Parse(File.ReadAllText(ContractFile())).RootElement.EnumerateArray())
        {
            cases.Add(one.Text()!, [.. one.GetProperty("names").EnumerateArray().Select(name => name.GetString()!)]);
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Names_are_read_as_the_page_reads_the_text(string text, string[] names) => Assert.Equal(names, NamesInText.Of(text));

    [Fact]
    public void A_text_of_nothing_but_marks_is_read_in_time_that_grows_as_it_does()
    {
        foreach (var text in new[] { "`", "``` ", "> ", "- ", "@", "\\`", "```\n", "> - " })
        {
            Assert.NotNull(NamesInText.Of("@bea" + string.Concat(Enumerable.Repeat(text, 40_000 / text.Length))).ToList());
        }
    }

    [Theory]
    [InlineData("V311")]
    [InlineData("V5")]
    public async Task Members_that_are_named_are_told_with_the_message_and_in_pages(string versionName)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        await broker.RegisterAsync("stranger");
        await using var listener = await broker.ConnectAsync(talk.Caio, Enum.Parse<MqttVersion>(versionName));
        await listener.SubscribeAsync(Topic);

        var said = await talk.SayAsync(talk.Bea, "hi @Caio, @dora. `@maker` @stranger @nobody @caio");

        var heard = (await listener.PublishesUntilAsync(publish => publish.Json.Type() == "message"))[^1].Json;
        Assert.Equal(["caio", "dora"], MentionsOf(heard));
        Assert.Equal(["caio", "dora"], MentionsOf(await talk.EventAsync(said)));
        Assert.Empty(MentionsOf(await talk.EventAsync(await talk.SayAsync(talk.Bea, "hi all"))));
        using var beas = Calls.As(broker, talk.Bea);
        var over = await beas.Expect(HttpStatusCode.Created, HttpMethod.Post, "/api/rooms/yard/events", new { type = "message", text = "@maker" });
        Assert.Equal(["maker"], MentionsOf(await talk.EventAsync(over.GetProperty("seq").GetInt64())));
    }

    [Fact]
    public async Task An_edit_names_anew()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "hi @caio");

        var edit = await talk.EditAsync(talk.Bea, said, "hi @dora and @maker");

        Assert.Equal(["dora", "maker"], MentionsOf(await talk.EventAsync(said)));
        Assert.Equal(["dora", "maker"], MentionsOf(await talk.EventAsync(edit.Seq)));
        await talk.EditAsync(talk.Bea, said, "hi");
        Assert.Empty(MentionsOf(await talk.EventAsync(said)));
        Assert.Empty(MentionsOf(await talk.EventAsync(edit.Seq)));
    }

    [Fact]
    public async Task A_message_names_twenty_at_most()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        for (var number = 0; number < 22; number++)
        {
            await broker.Get<RoomMembers>().JoinAsync(broker.Room("yard"), (await broker.RegisterAsync($"m{number}")).Account);
        }

        var said = await talk.SayAsync(talk.Bea, string.Join(' ', Enumerable.Range(0, 22).Select(number => $"@m{number}")));

        Assert.Equal(Enumerable.Range(0, 20).Select(number => $"m{number}"), MentionsOf(await talk.EventAsync(said)));
    }

    [Fact]
    public async Task Moderators_call_everybody_once_in_ten_minutes()
    {
        FakeTimeProvider time = new(DateTimeOffset.UtcNow);
        await using var broker = await RunningBroker.StartWithAsync(
            services => services.AddSingleton(provider => ActivatorUtilities.CreateInstance<Mentions>(provider, time)));
        var talk = await InYardAsync(broker);

        Assert.False(await CallsAllAsync(talk.Bea));
        Assert.True(await CallsAllAsync(talk.Mod));
        Assert.False(await CallsAllAsync(talk.Maker));
        time.Advance(TimeSpan.FromMinutes(9));
        Assert.False(await CallsAllAsync(talk.Mod));
        time.Advance(TimeSpan.FromMinutes(2));

        // What is not stored uses nothing up.
        await using (var client = await broker.ConnectAsync(talk.Mod))
        {
            Assert.False((await client.PublishAsync(Topic, """{"type":"message","text":"@room","replyTo":1}""")).Accepted);
        }

        Assert.True(await CallsAllAsync(talk.Maker));

        async Task<bool> CallsAllAsync(Member who)
        {
            var said = await talk.EventAsync(await talk.SayAsync(who, "come, @room!"));
            return said.TryGetProperty("everyone", out var everyone) && everyone.GetBoolean();
        }
    }

    private static string[] MentionsOf(JsonElement message) =>
        message.TryGetProperty("mentions", out var mentions) ? [.. mentions.EnumerateArray().Select(name => name.GetString()!)] : [];

    private static string ContractFile([CallerFilePath] string here = "") =>
        Path.Combine(Path.GetDirectoryName(here)!, "..", "..", "contract", "mentions.json");
}
