using System.Diagnostics;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>The door and the account pages: where they lead to, where the focus is, and whom a tab belongs to.</summary>
public sealed class DoorPagesTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Fault_P14_A_room_link_leads_to_its_room_through_every_door_and_a_reload()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await bea.NewRoomAsync();
        var names = Lobby.Unique("Porta");

        await using (var guest = await chromium.VisitorAsync(shared.Server))
        {
            ChatPage chat = new(await guest.OpenAsync($"/rooms/{room}"));
            await Assertions.Expect(chat.Page.GetByText($"#{room}")).ToBeVisibleAsync();
            await chat.Page.ReloadAsync();
            await Assertions.Expect(chat.Page.GetByText($"#{room}")).ToBeVisibleAsync();
            await EnterAsync(chat.Page, $"{names} um");
            await IsInAsync(chat, room);

            // The guest makes an account, from the account page, and loads the door anew on the way.
            await OpenMenuEntryAsync(chat.Page, "My account");
            await chat.Page.GetByRole(AriaRole.Link, new() { Name = "Create an account" }).ClickAsync();
            await chat.Page.ReloadAsync();
            await RegisterAsync(chat.Page, $"p14{Guid.NewGuid():N}"[..20]);
            await IsInAsync(chat, room);
            guest.AssertNoComplaints();
        }

        await using (var member = await chromium.VisitorAsync(shared.Server))
        {
            ChatPage chat = new(await member.OpenAsync($"/rooms/{room}"));
            // As a link opened in a tab of its own.
            var signIn = await chat.Page.GetByRole(AriaRole.Link, new() { Name = "Sign in" }).EvaluateAsync<string>("link => link.href");
            chat = new(await member.OpenAsync(new Uri(signIn).PathAndQuery));
            await SignInAsync(chat.Page, bea.UserName, Person.Password);
            await IsInAsync(chat, room);

            await bea.Http.DeleteAsync(new Uri("/api/sessions", UriKind.Relative), TestContext.Current.CancellationToken);
            await Assertions.Expect(chat.SignedOut).ToBeVisibleAsync();
            await chat.Page.ReloadAsync();
            await chat.Page.GetByRole(AriaRole.Link, new() { Name = "Sign in" }).ClickAsync();
            await SignInAsync(chat.Page, bea.UserName, Person.Password);
            await IsInAsync(chat, room);
        }
    }

    [Fact]
    public async Task Fault_P14_The_door_leads_to_no_other_site_and_forgets_the_room_of_who_left()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await bea.NewRoomAsync();
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        ChatPage chat = new(await visitor.OpenAsync($"/?to=/rooms/{room}"));
        await EnterAsync(chat.Page, Lobby.Unique("Ida"));
        await IsInAsync(chat, room);
        await chat.SignOutAsync();
        await Assertions.Expect(chat.Page).ToHaveURLAsync("/");
        await Assertions.Expect(chat.Page.GetByText($"#{room}")).ToHaveCountAsync(0);

        await chat.Page.GotoAsync("/?to=//example.org/rooms/x");
        await EnterAsync(chat.Page, Lobby.Unique("Volta"));
        await IsInAsync(chat, "lobby");
    }

    [Fact]
    public async Task Fault_S12_The_first_account_from_elsewhere_is_asked_for_the_code_and_Fault_S22_a_new_password_keeps_its_tabs_in()
    {
        // Whatever comes from a proxy comes from elsewhere.
        await using var server = await ServerProcess.StartAsync([.. SharedServer.NoLimits, "WebMessenger:TrustedProxies:0=127.0.0.1"]);
        var code = server.FirstCode;
        await using var visitor = await chromium.VisitorAsync(server);
        var page = await visitor.OpenAsync("/register");
        var field = page.GetByLabel("First account code");
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Create account" })).ToBeVisibleAsync();
        await Assertions.Expect(field).ToHaveCountAsync(0);

        await page.GetByLabel("Display name").FillAsync("Ana");
        await RegisterAsync(page, "first");
        await Assertions.Expect(field).ToBeFocusedAsync();
        await field.FillAsync("aaaa-aaaa-aaaa");
        await field.PressAsync("Enter");
        await Assertions.Expect(page.GetByText("This is not the code.")).ToBeVisibleAsync();
        await Assertions.Expect(field).ToBeFocusedAsync();
        await field.FillAsync(code.ToUpperInvariant());
        await field.PressAsync("Enter");

        // Who is the first administrator is told so, once, with what is to be done.
        var card = page.GetByRole(AriaRole.Region, new() { Name = "You are the administrator of this server" });
        await card.GetByRole(AriaRole.Link, new() { Name = "To the lobby" }).ClickAsync();
        ChatPage chat = new(page);
        await IsInAsync(chat, "lobby");

        // Another tab of the same browser, whose connection ends with the old cookie.
        ChatPage other = new(await visitor.OpenAsync("/rooms/lobby"));
        await other.IsInRoomAsync();
        await OpenMenuEntryAsync(page, "My account");
        await page.GetByLabel("Current password").Nth(1).FillAsync(Person.Password);
        await page.GetByLabel("New password").FillAsync("another horse, just as correct");
        await page.GetByRole(AriaRole.Button, new() { Name = "Change password" }).ClickAsync();
        await Assertions.Expect(page.GetByText("Your password was changed.")).ToBeVisibleAsync();
        var text = Lobby.Unique("still here");
        await other.SayAsync(text);
        await other.SeesAsync(text);
    }

    [Fact]
    public async Task Fault_P22_The_focus_stays_in_the_form_and_Fault_P34_the_page_says_how_long_to_wait()
    {
        await using var server = await ServerProcess.StartAsync(
            [.. SharedServer.NoLimits.Where(setting => !setting.Contains("SignInsPerMinute", StringComparison.Ordinal)), "WebMessenger:Limits:SignInsPerMinutePerAddress=2"]);
        await using var visitor = await chromium.VisitorAsync(server);
        var page = await visitor.OpenAsync("/sign-in");
        var submit = page.GetByRole(AriaRole.Button, new() { Name = "Sign in" });

        await SignInAsync(page, "nobody", "wrong");
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("The name or the password is wrong.");
        await Assertions.Expect(submit).ToBeFocusedAsync();

        // By Enter in a field, the focus stays in the field.
        await page.GetByLabel("Password", new() { Exact = true }).PressAsync("Enter");
        await Assertions.Expect(submit).ToHaveAttributeAsync("aria-disabled", "false");
        await Assertions.Expect(page.GetByLabel("Password", new() { Exact = true })).ToBeFocusedAsync();

        await submit.ClickAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Alert)).ToContainTextAsync(new Regex("Too many attempts. Try again in \\d+ seconds"));
        await Assertions.Expect(submit).ToBeFocusedAsync();
        await Assertions.Expect(submit).ToHaveAttributeAsync("aria-disabled", "true");

        // It counts for the eye; what a screen reader is told stays.
        var shown = page.GetByRole(AriaRole.Alert).Locator("[aria-hidden=true]").Last;
        var said = await page.GetByRole(AriaRole.Alert).Locator(".visually-hidden").InnerTextAsync();
        var before = await shown.InnerTextAsync();
        await Assertions.Expect(shown).Not.ToHaveTextAsync(before);
        Assert.Equal(said, await page.GetByRole(AriaRole.Alert).Locator(".visually-hidden").InnerTextAsync());
    }

    [Fact]
    public async Task Fault_P22_The_focus_stays_on_the_page_after_Save_after_a_dialog_and_after_a_row_that_goes()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        await ana.NewTokenAsync();
        await ana.NewTokenAsync();
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var page = await visitor.OpenAsync("/account");
        var save = page.GetByRole(AriaRole.Button, new() { Name = "Save" });
        await page.GetByLabel("Display name").FillAsync(ana.DisplayName + " II");
        await save.ClickAsync();
        // Named at once, instead of a button that cannot be pressed.
        var password = page.Locator("form").Filter(new() { Has = save }).GetByLabel("Current password");
        await Assertions.Expect(password).ToBeFocusedAsync();
        await password.FillAsync(Person.Password);
        await save.ClickAsync();
        await Assertions.Expect(page.GetByText("Saved.")).ToBeVisibleAsync();
        await Assertions.Expect(save).ToBeFocusedAsync();

        await page.GetByRole(AriaRole.Link, new() { Name = "Access tokens" }).ClickAsync();
        var revokers = page.GetByRole(AriaRole.Button, new() { Name = "Revoke a shell" });
        await Assertions.Expect(revokers).ToHaveCountAsync(2);
        await revokers.First.ClickAsync();
        await page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(revokers.First).ToBeFocusedAsync();
        await revokers.First.ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Revoke", Exact = true }).ClickAsync();
        await Assertions.Expect(revokers).ToHaveCountAsync(1);
        await Assertions.Expect(revokers).ToBeFocusedAsync();

        // The last row goes, and the list with it.
        await revokers.ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Revoke", Exact = true }).ClickAsync();
        await Assertions.Expect(page.GetByText("No tokens yet.")).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Button, new() { Name = "Connect a device" })).ToBeFocusedAsync();
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P26_Back_to_the_chat_goes_to_the_room_one_came_from()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(visitor, room);
        await OpenMenuEntryAsync(chat.Page, "My account");
        await chat.Page.GetByRole(AriaRole.Link, new() { Name = "Where I am signed in" }).ClickAsync();
        await chat.Page.ReloadAsync();

        await chat.Page.GetByRole(AriaRole.Link, new() { Name = "Back to the chat" }).ClickAsync();

        await IsInAsync(chat, room);
    }

    [Fact]
    public async Task Fault_P32_A_sign_in_in_another_tab_stops_this_one_until_the_person_goes_on()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync(visibility: "private");
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var first = await ChatPage.OpenAsync(visitor, room);
        await visitor.Context.SetOfflineAsync(true);
        await first.SayAsync("not sent by ana");
        await Assertions.Expect(first.Unsent).ToHaveCountAsync(1);

        // The cookie changes while the page hears nothing, as when another tab signs in.
        await visitor.BeAsync(bea);
        await visitor.Context.SetOfflineAsync(false);

        await Assertions.Expect(first.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync($"In another tab you signed in as {bea.DisplayName}");
        await Assertions.Expect(first.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync(ana.DisplayName);
        await Assertions.Expect(first.Composer).ToHaveCountAsync(0);
        Assert.DoesNotContain(room, await first.Page.TitleAsync(), StringComparison.Ordinal);

        await first.Page.GetByRole(AriaRole.Button, new() { Name = $"Go on as {bea.DisplayName}" }).ClickAsync();
        await IsInAsync(first, "lobby");
        await Assertions.Expect(first.Page.GetByText("not sent by ana")).ToHaveCountAsync(0);
        Assert.DoesNotContain(visitor.Said, frame => frame.Contains("not sent by ana", StringComparison.Ordinal));

        // It waited for its author.
        await visitor.BeAsync(ana);
        var second = await ChatPage.OpenAsync(visitor, room);
        await second.SeesAsync("not sent by ana");
        await Assertions.Expect(second.Unsent).ToHaveCountAsync(0);
        Assert.Single(await ana.EventsAsync(room), @event => @event.GetProperty("type").GetString() == "message" && @event.IsMessage("not sent by ana"));
        visitor.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P32_A_tab_hears_at_once_that_another_tab_signed_in_as_somebody_else()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        var nickname = Lobby.Unique("Visita");
        ChatPage first = new(await visitor.OpenAsync());
        await EnterAsync(first.Page, nickname);
        await IsInAsync(first, "lobby");

        ChatPage second = new(await visitor.OpenAsync("/sign-in"));
        await SignInAsync(second.Page, bea.UserName, Person.Password);

        // The tab that asked for it goes on without a question.
        await IsInAsync(second, "lobby");
        await Assertions.Expect(first.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync($"In another tab you signed in as {bea.DisplayName} (@{bea.UserName})");
        await Assertions.Expect(first.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync(nickname);
        await first.Page.GetByRole(AriaRole.Button, new() { Name = $"Go on as {bea.DisplayName}" }).PressAsync("Enter");
        await IsInAsync(first, "lobby");
        visitor.AssertNoComplaints();
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Fault_P20_The_line_that_the_page_prints_works_in_a_shell(bool overTlsAlone)
    {
        using TestCertificate certificate = new();
        await using var other = overTlsAlone ? await ServerProcess.StartAsync([.. SharedServer.NoLimits, .. certificate.Settings, "WebMessenger:Mqtt:Port=-1"]) : null;
        var server = other ?? shared.Server;
        using var ana = await Person.RegisterAsync(server);
        await using var visitor = await chromium.VisitorAsync(server);
        await visitor.BeAsync(ana);
        var page = await visitor.OpenAsync("/account/tokens");
        await page.GetByRole(AriaRole.Button, new() { Name = "New token" }).ClickAsync();
        await page.GetByLabel("What is it for?").FillAsync("a shell");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create token" }).ClickAsync();
        var line = await page.Locator("code").Filter(new() { HasText = "mosquitto_pub" }).InnerTextAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "a shell" })).ToHaveCountAsync(1);
        await page.GetByRole(AriaRole.Button, new() { Name = "I have kept it" }).ClickAsync();
        // The dialog's opener went with the empty list.
        await Assertions.Expect(page.GetByRole(AriaRole.Main)).ToBeFocusedAsync();
        var chat = await ChatPage.OpenAsync(visitor);

        ProcessStartInfo start = new("sh", ["-c", line]) { RedirectStandardError = true };
        // As if the machine trusted the authority that was made for the test.
        start.Environment["SSL_CERT_FILE"] = certificate.AuthorityFile;
        using var shell = Process.Start(start)!;
        var error = await shell.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(RawMqttClient.Patience, TestContext.Current.CancellationToken);

        Assert.True(shell.ExitCode == 0, $"{line} ended with {shell.ExitCode}: {error}");
        await Assertions.Expect(chat.Messages.GetByText("hello from the shell").First).ToBeVisibleAsync();
        Assert.Single(await ana.EventsAsync(), @event => @event.Is("message", ana.UserName));
    }

    [Fact]
    public async Task A_list_of_tokens_that_comes_after_the_dialog_was_closed_keeps_the_focus_on_its_button()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(ana);
        var page = await visitor.OpenAsync("/account/tokens");
        var newToken = page.GetByRole(AriaRole.Button, new() { Name = "New token" });
        await newToken.ClickAsync();
        TaskCompletionSource closed = new();
        await visitor.Context.RouteAsync("**/api/tokens", async route =>
        {
            if (route.Request.Method == "GET") await closed.Task;
            await route.ContinueAsync();
        });
        await page.GetByLabel("What is it for?").FillAsync("a shell");
        await page.GetByRole(AriaRole.Button, new() { Name = "Create token" }).ClickAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = "I have kept it" }).ClickAsync();
        await Assertions.Expect(newToken).ToBeFocusedAsync();
        closed.SetResult();

        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { Name = "a shell" })).ToBeVisibleAsync();
        await Assertions.Expect(newToken).ToBeFocusedAsync();
    }

    [Fact]
    public async Task Fault_P38_A_room_whose_name_has_no_usable_letter_is_given_a_free_address()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var hidden = await ana.NewRoomAsync(visibility: "private");
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        await visitor.BeAsync(bea);
        var page = await visitor.OpenAsync("/rooms");
        await page.GetByRole(AriaRole.Button, new() { Name = "New room" }).First.ClickAsync();
        var address = page.GetByLabel("Address");
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("日本語");
        await Assertions.Expect(address).ToHaveValueAsync(new Regex("^room(-\\d+)?$"));

        // Nobody may know that there is such a room; that its address is taken is found out by asking for it.
        await address.FillAsync(hidden);
        await page.GetByRole(AriaRole.Button, new() { Name = "Open the room" }).ClickAsync();
        await Assertions.Expect(address).ToBeFocusedAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = $"Take “{hidden}-2”" }).ClickAsync();
        await Assertions.Expect(address).ToHaveValueAsync($"{hidden}-2");
        await page.GetByRole(AriaRole.Button, new() { Name = "Open the room" }).ClickAsync();
        await IsInAsync(new(page), $"{hidden}-2");

        await address.Page.GotoAsync("/rooms");
        await page.GetByRole(AriaRole.Button, new() { Name = "New room" }).First.ClickAsync();
        await page.GetByLabel("Name", new() { Exact = true }).FillAsync("日本語");
        await address.FillAsync("日本語");
        await page.GetByRole(AriaRole.Button, new() { Name = "Open the room" }).ClickAsync();
        await Assertions.Expect(page.GetByText("Choose an address of a–z and 0–9, such as “my-room”.")).ToBeVisibleAsync();
    }

    private static async Task IsInAsync(ChatPage chat, string room)
    {
        await Assertions.Expect(chat.Page).ToHaveURLAsync($"/rooms/{room}");
        await chat.IsInRoomAsync();
    }

    private static async Task EnterAsync(IPage page, string nickname)
    {
        await page.GetByLabel("Your nickname").FillAsync(nickname);
        await page.GetByRole(AriaRole.Button, new() { Name = "Come in" }).ClickAsync();
    }

    private static async Task SignInAsync(IPage page, string login, string password)
    {
        await page.GetByLabel("E-mail or user name").FillAsync(login);
        await page.GetByLabel("Password", new() { Exact = true }).FillAsync(password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
    }

    private static async Task RegisterAsync(IPage page, string userName)
    {
        await page.GetByLabel("User name").FillAsync(userName);
        await page.GetByLabel("E-mail").FillAsync($"{userName}@example.org");
        await page.GetByLabel("Password", new() { Exact = true }).FillAsync(Person.Password);
        await page.GetByRole(AriaRole.Button, new() { Name = "Create account" }).ClickAsync();
    }

    private static async Task OpenMenuEntryAsync(IPage page, string entry)
    {
        await page.GetByRole(AriaRole.Button, new() { Name = "My menu" }).ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = entry }).ClickAsync();
    }
}
