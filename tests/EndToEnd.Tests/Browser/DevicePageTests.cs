using System.Diagnostics;
using System.Net.Http.Json;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>"Connect a device": what the page shows lets a device in, as it stands.</summary>
public sealed class DevicePageTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task A_device_gets_in_by_the_line_that_the_page_shows_and_by_no_other_token()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The greenhouse");
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, room);

        var (dialog, line) = await ConnectAsync(chat.Page, "Estufa nº 2");

        Assert.Contains(" -t estufa-n-2/temperature ", line, StringComparison.Ordinal);
        Assert.Contains("received CONNACK (0)", await RunAsync(line), StringComparison.Ordinal);
        var token = (await dialog.Locator("code").First.InnerTextAsync()).Trim();
        Assert.DoesNotContain("received CONNACK (0)", await RunAsync(line.Replace(token, token[..^4] + "AAAA", StringComparison.Ordinal)), StringComparison.Ordinal);

        // It is listed as what it is, and revoked there.
        await dialog.GetByRole(AriaRole.Button, new() { Name = "I have kept it" }).ClickAsync();
        await Assertions.Expect(dialog).ToHaveCountAsync(0);
        await chat.Page.GotoAsync("/account/tokens");
        var listed = chat.Page.GetByRole(AriaRole.Listitem).Filter(new() { HasText = "Estufa nº 2" });
        await Assertions.Expect(listed).ToContainTextAsync($"A device in #{room}");
        await Assertions.Expect(listed).ToContainTextAsync("homeassistant/+/estufa-n-2/#");
        await listed.GetByRole(AriaRole.Button, new() { Name = "Revoke Estufa nº 2" }).ClickAsync();
        await chat.Page.GetByRole(AriaRole.Dialog).GetByRole(AriaRole.Button, new() { Name = "Revoke", Exact = true }).ClickAsync();
        await Assertions.Expect(listed).ToHaveCountAsync(0);
        Assert.DoesNotContain("received CONNACK (0)", await RunAsync(line), StringComparison.Ordinal);
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task By_keyboard_a_home_automation_is_connected_and_each_program_has_its_text()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync("The house");
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var page = (await ChatPage.OpenAsync(visitor, room)).Page;
        var keys = page.Keyboard;
        var opener = page.GetByRole(AriaRole.Button, new() { Name = "Connect a device", Exact = true });
        await opener.FocusAsync();
        await keys.PressAsync("Enter");
        var dialog = page.GetByRole(AriaRole.Dialog);

        // What was forgotten is said where it is wrong, and the focus is there.
        await Assertions.Expect(dialog.GetByLabel("What is it for?")).ToBeFocusedAsync();
        await keys.PressAsync("Enter");
        await Assertions.Expect(dialog.GetByLabel("What is it for?")).ToBeFocusedAsync();
        await keys.TypeAsync("Home Assistant");
        await keys.PressAsync("Tab");
        await keys.PressAsync("ArrowDown");
        await Assertions.Expect(dialog.GetByLabel("A home automation")).ToBeCheckedAsync();
        await Assertions.Expect(dialog.GetByLabel("Its branch of topics")).ToHaveCountAsync(0);
        await keys.PressAsync("Enter");

        foreach (var (program, text) in new[]
        {
            ("Home Assistant", "state_topic:"), ("ESPHome", "topic_prefix:"), ("Zigbee2MQTT", "base_topic:"), ("Tasmota", "Backlog MqttHost"),
            ("mosquitto", "mosquitto_sub"),
        })
        {
            await dialog.GetByText(program, new() { Exact = true }).First.ClickAsync();
            await Assertions.Expect(dialog.Locator("code").Filter(new() { HasText = text })).ToBeVisibleAsync();
        }

        // Its token is shown this once: no key takes it away.
        await keys.PressAsync("Escape");
        await Assertions.Expect(dialog).ToBeVisibleAsync();
        await dialog.GetByRole(AriaRole.Button, new() { Name = "I have kept it" }).FocusAsync();
        await keys.PressAsync("Enter");
        await Assertions.Expect(opener).ToBeFocusedAsync();
        var made = (await ana.Http.GetFromJsonAsync<JsonElement>("/api/tokens", TestContext.Current.CancellationToken)).GetProperty("tokens")[0];
        Assert.Equal((room, JsonValueKind.Null), (made.GetProperty("mount").GetString(), made.GetProperty("topics").ValueKind));
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task The_list_of_tokens_pins_a_certificate_to_one_and_takes_it_away()
    {
        using TestCertificate certificate = new();
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=bed", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddYears(1));
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, .. certificate.Settings]);
        using var ana = await Person.RegisterAsync(server);
        await ana.NewTokenAsync();
        await ana.NewMountAsync(await ana.NewRoomAsync("The bed"));
        await using var visitor = await chromium.VisitorAsync(server);
        await visitor.BeAsync(ana);
        var page = await visitor.OpenAsync("/account/tokens");
        var listed = page.GetByRole(AriaRole.Listitem).Filter(new() { HasText = "a device" });
        var opener = listed.GetByRole(AriaRole.Button, new() { Name = "Certificate of a device" });
        var dialog = page.GetByRole(AriaRole.Dialog);
        var forDevices = dialog.Locator("code").Filter(new() { HasText = "mosquitto_pub" });

        // What to paste is for devices: a shell's topics are others.
        await page.GetByRole(AriaRole.Button, new() { Name = "Certificate of a shell" }).ClickAsync();
        await Assertions.Expect(dialog.Locator("code").Filter(new() { HasText = "openssl req" })).ToBeVisibleAsync();
        await Assertions.Expect(forDevices).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("Escape");

        await opener.ClickAsync();
        await Assertions.Expect(forDevices).ToBeVisibleAsync();
        await dialog.GetByLabel("Its certificate, as PEM").FillAsync(made.ExportCertificatePem());
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Let it in by this" }).ClickAsync();
        await Assertions.Expect(listed).ToContainTextAsync(string.Join(':', made.GetCertHash(HashAlgorithmName.SHA256).Take(8).Select(part => $"{part:X2}")));
        await Assertions.Expect(listed).ToContainTextAsync("ends in");

        await dialog.GetByRole(AriaRole.Button, new() { Name = "Take away" }).ClickAsync();
        await Assertions.Expect(listed).Not.ToContainTextAsync("ends in");
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Close", Exact = true }).Last.ClickAsync();
        await Assertions.Expect(opener).ToBeFocusedAsync();
        visitor.AssertNoComplaints();
    }

    /// <summary>The dialog with what was made, and the line for mosquitto_pub in it.</summary>
    private static async Task<(ILocator Dialog, string Line)> ConnectAsync(IPage page, string name)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = "Connect a device", Exact = true }).ClickAsync();
        var dialog = page.GetByRole(AriaRole.Dialog);
        await dialog.GetByLabel("What is it for?").FillAsync(name);
        await page.Keyboard.PressAsync("Enter");
        var lines = dialog.Locator("code").Filter(new() { HasText = "mosquitto_pub" });
        await Assertions.Expect(lines).ToBeVisibleAsync();
        return (dialog, (await lines.InnerTextAsync()).Split('\n')[0]);
    }

    /// <summary>Pastes a line into a shell, and asks for all that the program does. Returns what it said, however it ended.</summary>
    private static async Task<string> RunAsync(string line)
    {
        ProcessStartInfo start = new("/bin/sh") { RedirectStandardOutput = true, RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(line + " -d");
        using var process = Process.Start(start)!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync().WaitAsync(RawMqttClient.Patience);
        return await output + await error;
    }
}
