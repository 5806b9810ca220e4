using System.Net.Http.Json;
using System.Text.Json;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;
using WebMessenger.Wire.Testing;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>A moderator sees on the page what becomes of a device, throws it out, traces it and gives it another token.</summary>
public sealed class DeviceAccessTests(SharedServer shared, Chromium chromium)
{
    [Theory]
    [InlineData("en-GB", ColorScheme.Light, 1280, Explicit = true)]
    [InlineData("pt-BR", ColorScheme.Dark, 360)]
    public async Task A_device_is_listed_traced_thrown_out_and_renewed(string locale, ColorScheme scheme, int width)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The bed");
        var token = await TokenAsync(ana, room);
        await using var device = await ConnectAsync(ana, token);
        Assert.False((await device.PublishAsync("attic/<b>x</b>", "not there")).Accepted);
        await using var visitor = await chromium.VisitorAsync(shared.Server, locale, scheme);
        await visitor.BeAsync(ana);
        ChatPage chat = new(await visitor.OpenAsync($"/rooms/{room}"));
        await chat.IsInRoomAsync();
        await chat.Page.SetViewportSizeAsync(width, 800);
        var words = locale == "en-GB"
            ? new Words("Devices", "Access", "1 connection", "1 publish refused", "Trace the packets of Bed", "Packets of Bed", "Throw out Bed", "Throw out", "Away", "New token for Bed", "New token", "I have kept it")
            : new Words("Aparelhos", "Acessos", "1 conexão", "1 publicação recusada", "Rastrear os pacotes de Bed", "Pacotes de Bed", "Expulsar Bed", "Expulsar", "Ausente", "Novo token para Bed", "Novo token", "Já guardei");
        await chat.Page.Keyboard.PressAsync("Control+K");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Dialog).Last.GetByRole(AriaRole.Combobox)).ToBeFocusedAsync();
        await chat.Page.Keyboard.TypeAsync(words.Devices);
        await chat.Page.Keyboard.PressAsync("Enter");
        var pane = chat.Page.GetByRole(AriaRole.Region, new() { Name = words.Devices, Exact = true });
        await pane.GetByRole(AriaRole.Button, new() { Name = words.Access, Exact = true }).ClickAsync();

        var card = pane.GetByRole(AriaRole.Listitem).Filter(new() { HasText = "Bed" }).First;
        await Assertions.Expect(card).ToContainTextAsync(words.Connected);
        await Assertions.Expect(card).ToContainTextAsync(words.Refused);
        await Assertions.Expect(card).ToContainTextAsync("attic/<b>x</b>");
        await IsFitAsync(chat.Page);

        // By the keyboard: what the device does from now on stands there, without what it says.
        await card.GetByRole(AriaRole.Button, new() { Name = words.Trace, Exact = true }).FocusAsync();
        await chat.Page.Keyboard.PressAsync("Enter");
        var dialog = chat.Page.GetByRole(AriaRole.Dialog, new() { Name = words.Packets, Exact = true });
        await Assertions.Expect(dialog.GetByRole(AriaRole.Status)).Not.ToBeEmptyAsync();
        Assert.True((await device.PublishAsync("bed/temp", "SECRET-VALUE", retain: true)).Accepted);
        await Assertions.Expect(dialog.GetByRole(AriaRole.Listitem).Filter(new() { HasText = "PUBLISH" })).ToContainTextAsync("bed/temp");
        await Assertions.Expect(dialog.GetByRole(AriaRole.Listitem).Filter(new() { HasText = "PUBACK" })).ToBeVisibleAsync();
        await Assertions.Expect(dialog).Not.ToContainTextAsync("SECRET-VALUE");
        await IsFitAsync(chat.Page);
        await chat.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(dialog).ToHaveCountAsync(0);

        await card.GetByRole(AriaRole.Button, new() { Name = words.ThrowOutBed, Exact = true }).ClickAsync();
        await chat.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = words.ThrowOut, Exact = true }).ClickAsync();
        await device.WaitForCloseAsync();
        await Assertions.Expect(card).ToContainTextAsync(words.Away);

        await using var again = await ConnectAsync(ana, token);
        await card.GetByRole(AriaRole.Button, new() { Name = words.RenewBed, Exact = true }).ClickAsync();
        await chat.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = words.Renew, Exact = true }).ClickAsync();
        await again.WaitForCloseAsync();

        // On a phone the pane is in a dialog, too.
        var made = chat.Page.GetByRole(AriaRole.Dialog).Last;
        await Assertions.Expect(made.GetByText("wm_").First).ToBeVisibleAsync();
        var renewed = (await made.Locator("code").First.InnerTextAsync()).Trim();
        Assert.StartsWith("wm_", renewed, StringComparison.Ordinal);
        await IsFitAsync(chat.Page);
        var done = made.GetByRole(AriaRole.Button, new() { Name = words.Done, Exact = true });
        await done.ClickAsync();
        await Assertions.Expect(done).ToHaveCountAsync(0);
        await using var late = await RawMqttClient.OverTcpAsync(shared.Server.Mqtt);
        Assert.False((await late.ConnectAsync(ana.UserName, token, "bed-1")).Accepted);
        await using var fresh = await ConnectAsync(ana, renewed);
        visitor.AssertNoComplaints();
    }

    private static async Task IsFitAsync(IPage page)
    {
        var violations = (await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => $"{violation.Id}: {violation.Nodes[0].Html}"));
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
    }

    private static async Task<string> TokenAsync(Person ana, string room)
    {
        var asked = new { name = "Bed", mount = room, topics = new { read = new[] { "bed/#" }, write = new[] { "bed/#" } } };
        using var answer = await ana.Http.PostAsJsonAsync("/api/tokens", asked, TestContext.Current.CancellationToken);
        Assert.True(answer.IsSuccessStatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("token").GetString()!;
    }

    private async Task<RawMqttClient> ConnectAsync(Person ana, string token)
    {
        var device = await RawMqttClient.OverTcpAsync(shared.Server.Mqtt);
        Assert.True((await device.ConnectAsync(ana.UserName, token, "bed-1")).Accepted);
        return device;
    }

    private sealed record Words(
        string Devices, string Access, string Connected, string Refused, string Trace, string Packets, string ThrowOutBed, string ThrowOut, string Away, string RenewBed,
        string Renew, string Done);
}
