using System.Text;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>A moderator makes a hook on the page, and a program elsewhere speaks by it.</summary>
public sealed class HookPageTests(SharedServer shared, Chromium chromium)
{
    [Theory]
    [InlineData("en-GB", ColorScheme.Light, 1280, Explicit = true)]
    [InlineData("pt-BR", ColorScheme.Dark, 360)]
    public async Task What_is_posted_to_a_hook_of_the_page_stands_in_the_room(string locale, ColorScheme scheme, int width)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The yard");
        await using var visitor = await chromium.VisitorAsync(shared.Server, locale, scheme);
        await visitor.BeAsync(ana);
        ChatPage chat = new(await visitor.OpenAsync($"/rooms/{room}"));
        await chat.IsInRoomAsync();
        await chat.Page.SetViewportSizeAsync(width, 800);
        var (devices, fresh, make, done, name, test, more) = locale == "en-GB"
            ? ("Devices", "New hook", "Make it", "I have copied it", "Name", "Test Grafana", "Said.")
            : ("Aparelhos", "Novo hook", "Criar", "Já copiei", "Nome", "Testar Grafana", "Disse.");
        await chat.Page.Keyboard.PressAsync("Control+K");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Dialog).Last.GetByRole(AriaRole.Combobox)).ToBeFocusedAsync();
        await chat.Page.Keyboard.TypeAsync(devices);
        await chat.Page.Keyboard.PressAsync("Enter");
        var pane = chat.Page.GetByRole(AriaRole.Region, new() { Name = devices, Exact = true });

        // Made by the keyboard alone; the address is shown once.
        await pane.GetByRole(AriaRole.Button, new() { Name = "Hooks", Exact = true }).ClickAsync();
        await pane.GetByRole(AriaRole.Button, new() { Name = fresh, Exact = true }).FocusAsync();
        await chat.Page.Keyboard.PressAsync("Enter");
        var dialog = chat.Page.GetByRole(AriaRole.Dialog).Last;
        await Assertions.Expect(dialog.GetByRole(AriaRole.Textbox, new() { Name = name, Exact = true })).ToBeFocusedAsync();
        await chat.Page.Keyboard.TypeAsync("Grafana");
        await Assertions.Expect(dialog.GetByRole(AriaRole.Button, new() { Name = make, Exact = true })).ToBeVisibleAsync();
        await chat.Page.Keyboard.PressAsync("Enter");
        var address = (await dialog.Locator("code").First.TextContentAsync())!;
        Assert.StartsWith(shared.Server.Address.GetLeftPart(UriPartial.Authority) + "/api/hooks/wmh_", address, StringComparison.Ordinal);
        await dialog.GetByRole(AriaRole.Button, new() { Name = done, Exact = true }).ClickAsync();

        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false });
        using StringContent body = new("the disk is <b>full</b>", Encoding.UTF8, "text/plain");
        using var answer = await http.PostAsync(new Uri(address), body, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode);

        // By its name and as a bot, in the room; and what it did stands below the hook.
        await pane.GetByRole(AriaRole.Button, new() { Name = test, Exact = true }).ClickAsync();
        await Assertions.Expect(pane.Locator("summary").GetByText(more).First).ToBeVisibleAsync();
        var violations = (await chat.Page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => $"{violation.Id}: {violation.Nodes[0].Html}"));
        Assert.True(await chat.Page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        await chat.Page.SetViewportSizeAsync(1280, 800);
        await Assertions.Expect(chat.Messages.GetByText("the disk is <b>full</b>", new() { Exact = true })).ToBeVisibleAsync();
        await Assertions.Expect(chat.Messages.GetByText("Test: Grafana works.", new() { Exact = true })).ToBeVisibleAsync();
        await Assertions.Expect(chat.Messages.GetByText("Grafana", new() { Exact = true }).First).ToBeVisibleAsync();
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task A_rule_of_the_page_says_in_the_room_what_a_device_does()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The bed");
        await using var device = await RawMqttClient.OverTcpAsync(shared.Server.Mqtt);
        Assert.True((await device.ConnectAsync(ana.UserName, await ana.NewTokenAsync())).Accepted);
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, room);
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Devices", Exact = true }).First.ClickAsync();
        var pane = chat.Page.GetByRole(AriaRole.Region, new() { Name = "Devices", Exact = true });
        await pane.GetByRole(AriaRole.Button, new() { Name = "Rules", Exact = true }).ClickAsync();
        await pane.GetByRole(AriaRole.Button, new() { Name = "New rule", Exact = true }).ClickAsync();
        var dialog = chat.Page.GetByRole(AriaRole.Dialog).Last;
        var make = dialog.GetByRole(AriaRole.Button, new() { Name = "Make it", Exact = true });

        // What is missing is named, and the first of it has the focus.
        await make.ClickAsync();
        await Assertions.Expect(dialog.GetByRole(AriaRole.Textbox, new() { Name = "Name", Exact = true })).ToBeFocusedAsync();
        await chat.Page.Keyboard.TypeAsync("Heat");
        await dialog.GetByRole(AriaRole.Textbox, new() { Name = "Topic", Exact = true }).FillAsync("bed/temp");
        await dialog.GetByRole(AriaRole.Textbox, new() { Name = "Threshold", Exact = true }).FillAsync("30,5");
        await make.ClickAsync();
        await Assertions.Expect(pane.GetByText("When bed/temp rises above 30.5")).ToBeVisibleAsync();

        Assert.True((await device.PublishAsync($"rooms/{room}/data/bed/temp", "31", retain: true)).Accepted);
        await Assertions.Expect(chat.Messages.GetByText("bed/temp is 31", new() { Exact = true })).ToBeVisibleAsync();
        await pane.GetByRole(AriaRole.Button, new() { Name = "Test Heat", Exact = true }).ClickAsync();
        await Assertions.Expect(pane.GetByText("Of bed/temp it would say: bed/temp is 31")).ToBeVisibleAsync();
        var violations = (await chat.Page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => $"{violation.Id}: {violation.Nodes[0].Html}"));
        visitor.AssertNoComplaints();
    }
}
