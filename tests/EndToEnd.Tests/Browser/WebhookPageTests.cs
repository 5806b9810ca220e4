using System.Security.Cryptography;
using System.Text;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>A moderator makes a webhook on the page, and a program elsewhere is told what is said.</summary>
public sealed class WebhookPageTests(Chromium chromium)
{
    [Theory]
    [InlineData("en-GB", ColorScheme.Light, 1280)]
    [InlineData("pt-BR", ColorScheme.Dark, 360, Explicit = true)]
    public async Task A_webhook_of_the_page_is_told_what_is_said_by_the_secret_that_the_page_has_shown(string locale, ColorScheme scheme, int width)
    {
        var words = locale == "en-GB" ? Words.English : Words.Portuguese;
        using Elsewhere elsewhere = new();
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, "WebMessenger:Webhooks:AllowedNetworks:0=127.0.0.1"]);
        using var ana = await Person.RegisterAsync(server);
        var room = await ana.NewRoomAsync("The yard");
        await using var visitor = await chromium.VisitorAsync(server, locale, scheme);
        var (page, pane) = await OpenAsync(visitor, ana, room, words, width);
        await Assertions.Expect(pane.GetByText(words.None)).ToBeVisibleAsync();
        await IsFineAsync(page);

        // Made by the keyboard alone. What is wrong is named, and has the focus.
        await Button(pane, words.New).FocusAsync();
        await page.Keyboard.PressAsync("Enter");
        var dialog = page.GetByRole(AriaRole.Dialog).Last;
        var url = dialog.GetByRole(AriaRole.Textbox, new() { Name = words.Address, Exact = true });
        await Assertions.Expect(dialog.GetByRole(AriaRole.Textbox, new() { Name = words.Name, Exact = true })).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("CI");
        await page.Keyboard.PressAsync("Tab");
        await page.Keyboard.TypeAsync("ftp://example.org");
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(dialog.GetByText("http://").Last).ToBeVisibleAsync();
        await Assertions.Expect(url).ToBeFocusedAsync();
        await IsFineAsync(page);
        await url.FillAsync($"{elsewhere.Address}?token=hunter2");
        await page.Keyboard.PressAsync("Enter");
        var secret = (await dialog.Locator("code").TextContentAsync())!;
        Assert.StartsWith("whsec_", secret, StringComparison.Ordinal);
        await IsFineAsync(page);
        await Button(dialog, words.Done).ClickAsync();

        // In the list stands neither the secret nor what may be one in the address.
        await Assertions.Expect(pane.GetByText($"{elsewhere.Address}?…")).ToBeVisibleAsync();
        Assert.DoesNotContain("hunter2", await page.ContentAsync(), StringComparison.Ordinal);
        Assert.DoesNotContain(secret, await page.ContentAsync(), StringComparison.Ordinal);

        await ana.SayAsync(server, room, "the gate is open");
        var post = await elsewhere.HearAsync();
        Assert.Equal("the gate is open", post.Json.GetProperty("text").GetString());
        var key = Convert.FromBase64String(secret["whsec_".Length..]);
        Assert.Equal("v1," + Convert.ToBase64String(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(post.Signed))), post.Signature);

        await Button(pane, words.Test).ClickAsync();
        await Assertions.Expect(pane.GetByText(words.Taken, new() { Exact = true })).ToBeVisibleAsync();
        Assert.Equal("test", (await elsewhere.HearAsync()).Json.GetProperty("type").GetString());
        await Assertions.Expect(pane.Locator("summary").GetByText(words.Sent)).ToBeVisibleAsync();
        await IsFineAsync(page);

        await Button(pane, words.Remove).ClickAsync();
        await Button(dialog, words.RemoveIt).ClickAsync();
        await Assertions.Expect(pane.GetByText(words.None)).ToBeVisibleAsync();
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task One_that_is_switched_off_says_why_and_goes_on_where_it_was_left_off()
    {
        var words = Words.English;
        using Elsewhere elsewhere = new();
        elsewhere.Status = 410;
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, "WebMessenger:Webhooks:AllowedNetworks:0=127.0.0.1"]);
        using var ana = await Person.RegisterAsync(server);
        var room = await ana.NewRoomAsync("The yard");
        await ana.NewWebhookAsync(room, "CI", elsewhere.Address);
        await using var visitor = await chromium.VisitorAsync(server);
        var (page, pane) = await OpenAsync(visitor, ana, room, words, 360);
        await Button(pane, words.Test).ClickAsync();
        await Assertions.Expect(pane.GetByText("The test was not taken. Its address answered with 410.")).ToBeVisibleAsync();
        Assert.Equal("test", (await elsewhere.HearAsync()).Json.GetProperty("type").GetString());
        await Assertions.Expect(Button(pane, "Switch on CI")).ToBeHiddenAsync();

        await ana.SayAsync(server, room, "the gate is open");
        var first = await elsewhere.HearAsync();
        var off = pane.GetByText("It is switched off");
        while (!await off.IsVisibleAsync())
        {
            await page.RunAndWaitForResponseAsync(() => Button(pane, "Look again").ClickAsync(), answer => answer.Url.EndsWith("/webhooks", StringComparison.Ordinal));
            await new ChatPage(page).FramesAsync();
        }

        await Assertions.Expect(pane.Locator("summary").GetByText("Not taken. It was switched off.")).ToBeVisibleAsync();
        await IsFineAsync(page);
        elsewhere.Status = 200;
        await Button(pane, "Switch on CI").ClickAsync();
        Assert.Equal(first.Id, (await elsewhere.HearAsync()).Id);
        await Assertions.Expect(off).ToBeHiddenAsync();
        visitor.AssertNoComplaints();
    }

    private static async Task<(IPage Page, ILocator Pane)> OpenAsync(Visitor visitor, Person person, string room, Words words, int width)
    {
        await visitor.BeAsync(person);
        ChatPage chat = new(await visitor.OpenAsync($"/rooms/{room}"));
        await chat.IsInRoomAsync();
        await chat.Page.SetViewportSizeAsync(width, 800);
        await chat.Page.Keyboard.PressAsync("Control+K");
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Dialog).Last.GetByRole(AriaRole.Combobox)).ToBeFocusedAsync();
        await chat.Page.Keyboard.TypeAsync(words.Devices);
        await chat.Page.Keyboard.PressAsync("Enter");
        var pane = chat.Page.GetByRole(AriaRole.Region, new() { Name = words.Devices, Exact = true });
        await Button(pane, "Webhooks").ClickAsync();
        return (chat.Page, pane);
    }

    private static ILocator Button(ILocator where, string name) => where.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    private static async Task IsFineAsync(IPage page)
    {
        var violations = (await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => $"{violation.Id}: {violation.Nodes[0].Html}"));
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
        Assert.True(await page.EvaluateAsync<bool>("[...document.querySelectorAll('dialog, li.card')].every((one) => one.scrollWidth <= one.clientWidth)"));
    }

    /// <param name="RemoveIt">In the question; `Remove` is of the list.</param>
    private sealed record Words(
        string Devices, string None, string New, string Name, string Address, string Done, string Test, string Taken, string Sent, string Remove, string RemoveIt)
    {
        public static Words English { get; } = new(
            "Devices", "This room has no webhook yet.", "New webhook", "Name", "Address", "I have copied it", "Test CI", "The test was taken.", "Taken.", "Remove CI", "Remove");

        public static Words Portuguese { get; } = new(
            "Aparelhos", "Esta sala ainda não tem nenhum webhook.", "Novo webhook", "Nome", "Endereço", "Já copiei", "Testar CI", "O teste foi aceito.", "Aceito.", "Remover CI", "Remover");
    }
}
