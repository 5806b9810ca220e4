using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Examples;

/// <summary>
/// All examples of docs/protocol.md, against the server: what a client sends is taken as it stands, and what comes is as it is shown. One
/// that nothing runs fails.
/// </summary>
public sealed class ProtocolExamplesTests
{
    public static TheoryData<Way> Ways => [Way.Mqtt5, Way.Mqtt311, Way.Http];

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task Each_command_of_the_document_is_taken_as_it_stands(Way way)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await ProtocolTalk.MayAllAsync(broker, "ana", "Ana");
        var bea = await ProtocolTalk.MayAllAsync(broker, "bea", "Béa");
        await using var anas = await broker.ConnectAsync(ana);
        await using var beas = await broker.ConnectAsync(bea);
        await beas.PublishAsync("rooms/lobby", "hello");

        // So the numbers of the examples are those of messages.
        foreach (var (topic, until) in new[] { ("rooms/lobby", 42), ("users/bea", 3) })
        {
            while ((await anas.PublishAsync(topic, "one of many")).Seq < until)
            {
            }
        }

        await using var speaker = await Speaker.AsAsync(broker, way, ana);
        var sent = ProtocolDocument.Examples.Where(example => example.IsSent).ToList();
        Assert.Superset(CommandTypes.OfRooms.ToHashSet(), sent.Select(TypeOf).ToHashSet());
        Assert.Equal(
            CommandTypes.OfConversations.Order(),
            sent.Where(example => example.Section == "Conversations").Select(TypeOf).Distinct().Order());

        // What is deleted is no message for the others, and where moderators alone write nobody else does.
        foreach (var example in sent.OrderBy(example => TypeOf(example) switch { "policy" => 2, "delete" => 1, _ => 0 }))
        {
            var text = example.Text.Replace("k3f9a0", broker.Room("lobby").LogHead.Epoch, StringComparison.Ordinal);
            var became = example switch
            {
                _ when TypeOf(example) == "" => await speaker.DoAsync("users/ana/read/lobby", "/api/rooms/lobby/read", text, HttpMethod.Put),
                { Section: "Conversations" } => await speaker.DoAsync("users/bea", "/api/conversations/bea/events", text),
                _ => await speaker.DoAsync("rooms/lobby", "/api/rooms/lobby/events", text),
            };
            Assert.True(became == Speaker.Done, $"{example}: {became}");
        }
    }

    [Fact]
    public async Task What_the_document_shows_comes_like_that_from_the_server()
    {
        Heard heard = new();
        await ProtocolTalk.RushAsync(heard);
        await using var broker = await RunningBroker.StartAsync();
        await using ProtocolTalk talk = new(broker, heard);
        await talk.HoldAsync();

        List<string> missing = [];
        foreach (var example in ProtocolDocument.Examples.Where(example => example is { Language: "json", IsSent: false, IsAskedToken: false }))
        {
            if (!await heard.HearsAsync(example.Json, TimeSpan.FromSeconds(missing.Count < 2 ? 20 : 1)))
            {
                missing.Add($"{example}\ncame as\n{heard.Near(example.Json)}");
            }
        }

        Assert.True(missing.Count == 0, string.Join("\n\n", missing));
    }

    [Fact]
    public void Each_event_and_command_has_an_example()
    {
        var shown = ProtocolDocument.Examples.Where(example => example.Language == "json" && example.Json.TryGetProperty("type", out _))
            .Select(TypeOf).ToHashSet();

        // A notice that is kept for later, and what stands in an inbox and is never shown, are none yet.
        EventType[] none = [EventType.InviteNotice, EventType.Pointer, EventType.ActPointer];
        var types = Enum.GetValues<EventType>().Except(none).Select(type => Encoding.ASCII.GetString(EventTypes.NameOf(type)));
        Assert.Superset(types.Concat(CommandTypes.OfRooms).Concat(["notice", "read", "unread", "people", "reset"]).ToHashSet(), shown);
    }

    [Fact]
    public async Task Each_line_for_a_shell_does_what_it_says()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        using (var anas = Calls.As(broker, ana))
        {
            await anas.MakeRoom("greenhouse");
        }

        var lines = ProtocolDocument.Examples.Where(example => example.Language == "sh").ToList();
        Assert.NotEmpty(lines);
        using (var makers = Calls.As(broker, ana))
        {
            await makers.MakeRoom("garden");
        }

        foreach (var line in lines)
        {
            await ShellLine.RunAsync(broker, ana, line);
        }

        Assert.All(ProtocolDocument.Examples, example => Assert.True(example.Language is "json" or "sh", $"{example} is run by nothing."));
    }

    [Fact]
    public async Task The_calls_of_the_document_are_those_of_the_server()
    {
        await using var broker = await RunningBroker.StartAsync();
        using HttpClient http = new() { BaseAddress = broker.Http };
        var description = await http.GetFromJsonAsync<JsonElement>(new Uri("/api/openapi.json", UriKind.Relative), TestContext.Current.CancellationToken);
        List<string> served = [.. description.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(method => $"{method.Name.ToUpperInvariant()} {path.Name.TrimEnd('/')}"))];
        Assert.True(served.Count > 40);

        Assert.All(ProtocolDocument.Calls, call => Assert.True(served.Exists(one => IsSame(one, call)), $"{call} is no call of the server."));
        Assert.All(served, call => Assert.True(ProtocolDocument.Calls.Any(one => IsSame(call, one)), $"{call} is not in the document."));
    }

    private static bool IsSame(string served, string said)
    {
        var (one, other) = (served.Split('/'), said.Split('/'));
        return one.Length == other.Length && one.Zip(other).All(pair => pair.First == pair.Second || pair.First.StartsWith('{'));
    }

    private static string TypeOf(Example example) => example.Json.TryGetProperty("type", out var type) ? type.GetString()! : "";
}
