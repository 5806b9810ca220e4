using System.Text;
using System.Text.RegularExpressions;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>What a room's devices say, on the page, and how they are worked from there.</summary>
public sealed class DevicesPaneTests(SharedServer shared, Chromium chromium)
{
    /// <summary>As ESPHome says it, shortened.</summary>
    private const string Pump =
        """
        {"~":"pump","name":"Pump","uniq_id":"p1","stat_t":"~/state","cmd_t":"~/set","avty_t":"~/status",
        "dev":{"ids":["p"],"name":"Garden shed"}}
        """;

    private const string Humidity =
        """
        {"name":"Humidity","stat_t":"shed/SENSOR","val_tpl":"{{ value_json.air.humidity | round(1) }}","unit_of_meas":"%",
        "dev":{"ids":["p"],"name":"Garden shed"}}
        """;

    [Fact]
    public async Task A_switch_is_worked_from_the_page_and_waits_for_the_answer_of_its_device()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The garden");
        await using var device = await DeviceAsync(ana);
        await SayAsync(device, room, "homeassistant/switch/shed/pump/config", Pump);
        await SayAsync(device, room, "pump/status", "online");
        await SayAsync(device, room, "pump/state", "OFF");
        Assert.True((await device.SubscribeAsync($"rooms/{room}/data/pump/set")).ReasonCodes is [<= 2]);
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var pane = await OpenPaneAsync(await ChatPage.OpenAsync(visitor, room));

        var pump = pane.GetByRole(AriaRole.Switch, new() { Name = "Pump", Exact = true });
        await Assertions.Expect(pump).Not.ToBeCheckedAsync();
        await pump.FocusAsync();
        await pump.PressAsync("Enter");
        var command = await device.NextPublishAsync();
        Assert.Equal(($"rooms/{room}/data/pump/set", "ON"), (command.Topic, Encoding.UTF8.GetString(command.Payload)));
        await Assertions.Expect(pane.GetByText("Waiting for its answer…")).ToBeVisibleAsync();
        await SayAsync(device, room, "pump/state", "ON");
        await Assertions.Expect(pump).ToBeCheckedAsync();
        await Assertions.Expect(pane.GetByText("Waiting for its answer…")).ToHaveCountAsync(0);

        // It says nothing any more: that is told, and the switch stands as it last said.
        await pump.ClickAsync();
        Assert.Equal("OFF", Encoding.UTF8.GetString((await device.NextPublishAsync()).Payload));
        await Assertions.Expect(pane.GetByText("It did not answer.")).ToBeVisibleAsync();
        await Assertions.Expect(pump).ToBeCheckedAsync();

        // Away, it is not worked.
        await SayAsync(device, room, "pump/status", "offline");
        await Assertions.Expect(pane.GetByText("offline", new() { Exact = true })).ToBeVisibleAsync();
        await Assertions.Expect(pump).ToBeDisabledAsync();
        visitor.AssertNoComplaints();
    }

    [Theory]
    [InlineData("en-GB", ColorScheme.Light, 1280)]
    [InlineData("pt-BR", ColorScheme.Dark, 360)]
    public async Task Values_are_tiles_that_follow_what_is_said_and_nothing_serious_is_wrong_with_them(
        string locale, ColorScheme scheme, int width)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The greenhouse");
        await using var device = await DeviceAsync(ana);
        await SayAsync(device, room, "homeassistant/sensor/shed/humidity/config", Humidity);
        await SayAsync(device, room, "shed/SENSOR", """{"air":{"humidity":41.26}}""");
        await SayAsync(device, room, "bed/temp", "21.5");
        await SayAsync(device, room, "bed/note", "<img src=x onerror=alert(1)>");
        Assert.True((await device.PublishAsync($"rooms/{room}/data/bed/cam", new byte[] { 0, 1, 2, 255 }, retain: true)).Accepted);
        await using var visitor = await chromium.VisitorAsync(shared.Server, locale, scheme);

        // Who may not write reads all the same, and works nothing.
        await visitor.BeAsync(bea);
        ChatPage chat = new(await visitor.OpenAsync($"/rooms/{room}"));
        await chat.IsInRoomAsync();
        await chat.Page.SetViewportSizeAsync(width, 800);
        await chat.Page.Keyboard.PressAsync("Control+K");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Dialog).Last.GetByRole(AriaRole.Combobox)).ToBeFocusedAsync();
        var (devices, binary, before, after, humid) = locale == "en-GB"
            ? ("Devices", "not text", "21.5", "22.5", "41.3")
            : ("Aparelhos", "não é texto", "21,5", "22,5", "41,3");
        await chat.Page.Keyboard.TypeAsync(devices);
        await chat.Page.Keyboard.PressAsync("Enter");
        var pane = chat.Page.GetByRole(AriaRole.Region, new() { Name = devices, Exact = true });
        var temp = pane.GetByRole(AriaRole.Group, new() { Name = "temp", Exact = true });
        await Assertions.Expect(temp).ToContainTextAsync(before);
        await Assertions.Expect(pane.GetByRole(AriaRole.Group, new() { Name = "Humidity", Exact = true })).ToContainTextAsync(humid);
        await Assertions.Expect(pane).ToContainTextAsync("<img src=x onerror=alert(1)>");
        await Assertions.Expect(pane.GetByRole(AriaRole.Group, new() { Name = "cam", Exact = true })).ToContainTextAsync(binary);
        await Assertions.Expect(pane.GetByRole(AriaRole.Button, new() { NameRegex = new("Topics|Tópicos") })).ToHaveCountAsync(0);

        await SayAsync(device, room, "bed/temp", "22.5");
        await Assertions.Expect(temp).ToContainTextAsync(after);

        // Ten minutes later, by the page's clock, the number before is of the past.
        await chat.Page.EvaluateAsync("() => { const now = Date.now; Date.now = () => now() + 600_000; }");
        await SayAsync(device, room, "bed/temp", "20.5");
        await Assertions.Expect(temp.Locator("svg path")).ToHaveAttributeAsync("d", new Regex("^M.*L"));
        await SayAsync(device, room, "bed/temp", "");
        await Assertions.Expect(temp).ToHaveCountAsync(0);

        var violations = (await chat.Page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => $"{violation.Id}: {violation.Nodes[0].Html}"));
        Assert.True(await chat.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task Who_keeps_the_room_looks_into_its_topics_publishes_a_test_and_clears_a_value()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The cellar");
        await using var device = await DeviceAsync(ana);
        await SayAsync(device, room, "cellar/door/state", """{"open":true}""");
        Assert.True((await device.SubscribeAsync($"rooms/{room}/data/test/#")).ReasonCodes is [<= 2]);
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, room);
        var pane = await OpenPaneAsync(chat);
        var keys = chat.Page.Keyboard;
        await pane.GetByRole(AriaRole.Button, new() { Name = "Topics", Exact = true }).ClickAsync();

        // By keyboard, as a tree is walked.
        await pane.GetByRole(AriaRole.Treeitem).First.FocusAsync();
        foreach (var key in new[] { "ArrowRight", "ArrowRight", "ArrowRight", "ArrowRight", "Enter" })
        {
            await keys.PressAsync(key);
        }

        var card = pane.GetByRole(AriaRole.Region, new() { Name = "cellar/door/state", Exact = true });
        await Assertions.Expect(card).ToContainTextAsync("\"open\": true");
        var violations = (await chat.Page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => $"{violation.Id}: {violation.Nodes[0].Html}"));
        await card.GetByRole(AriaRole.Button, new() { Name = "Clear the value" }).ClickAsync();
        await card.GetByRole(AriaRole.Button, new() { Name = "Clear the value" }).ClickAsync();
        await Assertions.Expect(pane.GetByRole(AriaRole.Treeitem)).ToHaveCountAsync(0);

        await pane.GetByLabel("Topic", new() { Exact = true }).FillAsync("test/lamp");
        await pane.GetByLabel("Payload", new() { Exact = true }).FillAsync("42 °C");
        await pane.GetByLabel("QoS").SelectOptionAsync("2");
        await pane.GetByLabel("Retain", new() { Exact = true }).CheckAsync();
        await pane.GetByRole(AriaRole.Button, new() { Name = "Publish", Exact = true }).ClickAsync();
        Assert.Equal("42 °C", Encoding.UTF8.GetString((await device.NextPublishAsync()).Payload));
        await Assertions.Expect(pane.GetByText("Published.")).ToBeVisibleAsync();
        await Assertions.Expect(pane.GetByRole(AriaRole.Treeitem, new() { NameRegex = new("^test") })).ToBeVisibleAsync();
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task Show_puts_a_live_tile_into_the_talk_for_who_asks_and_says_it_to_nobody()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The cellar");
        await using var device = await DeviceAsync(ana);
        await SayAsync(device, room, "cellar/temp", "12.5");
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, room);

        await chat.SayAsync("/show cellar/temp");
        var shown = chat.Page.GetByRole(AriaRole.Region, new() { Name = "Shown to you: cellar/temp" });
        await Assertions.Expect(shown).ToContainTextAsync("12.5");
        await SayAsync(device, room, "cellar/temp", "13");
        await Assertions.Expect(shown).ToContainTextAsync("13");
        await shown.GetByRole(AriaRole.Button, new() { Name = "Close" }).ClickAsync();
        await Assertions.Expect(shown).ToHaveCountAsync(0);

        await chat.SayAsync("/show attic");
        await Assertions.Expect(chat.Page.GetByText("There is no tile and no topic “attic” here.")).ToBeVisibleAsync();
        await chat.SayAsync("said");
        // The page publishes in the order in which it was asked, so what was said before this one would be in the log by now.
        await Assertions.Expect(chat.Messages.Locator(".bubble[data-seq]").GetByText("said", new() { Exact = true })).ToBeVisibleAsync();
        Assert.DoesNotContain(
            await ana.EventsAsync(room),
            said => said.TryGetProperty("text", out var text) && text.GetString()!.Contains("show", StringComparison.Ordinal));
        visitor.AssertNoComplaints();
    }

    private static async Task<ILocator> OpenPaneAsync(ChatPage chat)
    {
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Devices", Exact = true }).First.ClickAsync();
        var pane = chat.Page.GetByRole(AriaRole.Region, new() { Name = "Devices", Exact = true });
        await Assertions.Expect(pane).ToBeVisibleAsync();
        return pane;
    }

    /// <summary>A client of hers that speaks as a device does.</summary>
    private async Task<RawMqttClient> DeviceAsync(Person owner)
    {
        var device = await RawMqttClient.OverTcpAsync(shared.Server.Mqtt);
        Assert.True((await device.ConnectAsync(owner.UserName, await owner.NewTokenAsync())).Accepted);
        return device;
    }

    private static async Task SayAsync(RawMqttClient device, string room, string topic, string value) =>
        Assert.True((await device.PublishAsync($"rooms/{room}/data/{topic}", value, retain: true)).Accepted);
}
