using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>A room is looked after on the page; who may not reads how it is there.</summary>
public sealed class RoomPanelTests(SharedServer shared, Chromium chromium)
{
    [Theory]
    [InlineData(1440, ColorScheme.Light, Explicit = true)]
    [InlineData(360, ColorScheme.Dark)]
    public async Task Its_owner_changes_a_room_field_by_field_and_takes_a_change_back(int width, ColorScheme scheme)
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The yard");
        await bea.EnterAsync(room);
        await using var anas = await chromium.VisitorAsync(shared.Server, scheme: scheme);
        await anas.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(anas, room);
        await chat.Page.SetViewportSizeAsync(width, 800);
        var panel = await OpenPanelAsync(chat, "Look after the room");

        // By the keyboard alone; the room is told.
        var guests = Row(panel, "Guests");
        await Change(guests, "Guests").FocusAsync();
        await chat.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(guests.GetByRole(AriaRole.Radio, new() { Name = "Guests may come in, read and write." })).ToBeFocusedAsync();
        await chat.Page.Keyboard.PressAsync("ArrowDown");
        await chat.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(guests.GetByText("Saved.")).ToBeVisibleAsync();
        await Assertions.Expect(Change(guests, "Guests")).ToBeFocusedAsync();
        await Assertions.Expect(guests.GetByText("Guests may read.", new() { Exact = true })).ToBeVisibleAsync();
        Assert.Equal("read", (await RulesAsync(ana, room)).GetProperty("guests").GetString());

        await guests.GetByRole(AriaRole.Button, new() { Name = "Undo: Guests", Exact = true }).ClickAsync();
        await Assertions.Expect(guests.GetByText("It is as it was before.")).ToBeVisibleAsync();
        Assert.Equal("write", (await RulesAsync(ana, room)).GetProperty("guests").GetString());

        // What devices read stays when who works them is changed.
        var devices = Row(panel, "Who works devices");
        await Change(devices, "Who works devices").ClickAsync();
        await devices.GetByRole(AriaRole.Radio, new() { Name = "Everybody who is in it works devices." }).ClickAsync();
        await devices.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Assertions.Expect(devices.GetByText("Saved.")).ToBeVisibleAsync();
        await Assertions.Expect(Row(panel, "Who sees what devices say")).ToContainTextAsync("Everybody who is in it sees what devices say.");

        // What the server refuses stands at its field, and Escape leaves the field before the panel.
        var name = Row(panel, "Name");
        await Change(name, "Name").ClickAsync();
        await name.GetByRole(AriaRole.Textbox).FillAsync("e" + new string('\u0301', 9));
        await name.GetByRole(AriaRole.Button, new() { Name = "Save", Exact = true }).ClickAsync();
        await Assertions.Expect(name.GetByText("Use 1 to 80 characters, all of them visible.")).ToBeVisibleAsync();
        await Assertions.Expect(name.GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await chat.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(name.GetByRole(AriaRole.Textbox)).ToHaveCountAsync(0);
        await Change(name, "Name").ClickAsync();
        await name.GetByRole(AriaRole.Textbox).FillAsync("The garden");
        await chat.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(panel.GetByRole(AriaRole.Heading, new() { Name = "The garden", Exact = true })).ToBeVisibleAsync();
        await AssertWellMadeAsync(chat.Page);

        // Among the members: here or not, found by name, and made a moderator after a question.
        await panel.GetByRole(AriaRole.Button, new() { Name = "Members", Exact = true }).ClickAsync();
        var line = panel.GetByRole(AriaRole.Button, new() { NameRegex = new(bea.UserName) });
        await panel.GetByRole(AriaRole.Searchbox).FillAsync(bea.UserName);
        await Assertions.Expect(panel.GetByRole(AriaRole.Listitem)).ToHaveCountAsync(1);
        await line.ClickAsync();
        await panel.GetByRole(AriaRole.Button, new() { Name = "Make a moderator", Exact = true }).ClickAsync();
        var question = chat.Page.GetByRole(AriaRole.Dialog, new() { Name = $"Make {bea.DisplayName} a moderator of The garden?" });
        await question.GetByRole(AriaRole.Button, new() { Name = "Make a moderator", Exact = true }).ClickAsync();
        await Assertions.Expect(panel.GetByRole(AriaRole.List, new() { Name = "Who looks after it" })).ToContainTextAsync(bea.DisplayName);
        await AssertWellMadeAsync(chat.Page);

        // An invitation is sent, stands there, and is taken back.
        await panel.GetByRole(AriaRole.Button, new() { Name = "Invitations", Exact = true }).ClickAsync();
        await panel.GetByRole(AriaRole.Textbox).FillAsync("@nobody-yet");
        await chat.Page.Keyboard.PressAsync("Enter");
        var invited = panel.GetByRole(AriaRole.List, new() { Name = "Invited from this browser" });
        await Assertions.Expect(invited).ToContainTextAsync("@nobody-yet");
        await AssertWellMadeAsync(chat.Page);
        await panel.GetByRole(AriaRole.Button, new() { Name = "Take back the invitation of nobody-yet", Exact = true }).ClickAsync();
        await Assertions.Expect(invited).ToHaveCountAsync(0);
        anas.AssertNoComplaints();
    }

    [Fact]
    public async Task A_member_reads_the_rules_as_sentences_and_sees_them_change()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The stage");
        await using var beas = await chromium.VisitorAsync(shared.Server, "pt-BR", phone: true);
        await beas.BeAsync(bea);
        var chat = await ChatPage.OpenAsync(beas, room);
        var panel = await OpenPanelAsync(chat, "Sobre esta sala");
        await Assertions.Expect(panel.GetByText("Todo mundo que está na sala escreve aqui.")).ToBeVisibleAsync();
        await Assertions.Expect(panel.GetByRole(AriaRole.Button, new() { Name = "Mudar" })).ToHaveCountAsync(0);

        await ana.ActAsync(room, new { type = "policy", posting = "moderators", data = new { read = "moderators" } });

        await Assertions.Expect(panel.GetByText("Só a moderação escreve aqui.")).ToBeVisibleAsync();
        await Assertions.Expect(panel.GetByText("Só a moderação vê o que os aparelhos dizem.")).ToBeVisibleAsync();
        await AssertWellMadeAsync(chat.Page);

        // Of the owner she sees the card, and nothing that she may do to him.
        await panel.GetByRole(AriaRole.Button, new() { Name = "Membros", Exact = true }).ClickAsync();
        await panel.GetByRole(AriaRole.Button, new() { NameRegex = new(ana.UserName) }).ClickAsync();
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Dialog).Last).ToContainTextAsync("@" + ana.UserName);
        await chat.Page.Keyboard.PressAsync("Escape");
        await chat.Page.Keyboard.PressAsync("Escape");
        await chat.SeesAsync($"{ana.DisplayName} mudou as regras da sala: só a moderação escreve, quem vê e comanda aparelhos");
        beas.AssertNoComplaints();
    }

    [Fact]
    public async Task Who_cannot_come_in_is_told_why()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var (closed, asked) = (await ana.NewRoomAsync(Lobby.Unique("The office")), await ana.NewRoomAsync(Lobby.Unique("The club")));
        await ana.ActAsync(closed, new { type = "policy", guests = "none" });
        await ana.ActAsync(asked, new { type = "policy", entry = "invite" });

        await using var guests = await chromium.VisitorAsync(shared.Server, phone: true);
        var page = await guests.OpenAsync($"/rooms/{closed}");
        await page.GetByLabel("Your nickname").FillAsync(Lobby.Unique("Gil"));
        await page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(page.GetByRole(AriaRole.Heading, new() { NameRegex = new("^Guests do not come into The office") })).ToBeVisibleAsync();
        await Assertions.Expect(page.GetByRole(AriaRole.Link, new() { Name = "Create an account" })).ToHaveAttributeAsync("href", $"register?to=/rooms/{closed}");
        await AssertWellMadeAsync(page);

        // Who is in it already is told so when it shuts.
        var open = await ana.NewRoomAsync();
        ChatPage inside = new(page);
        await page.GotoAsync($"/rooms/{open}");
        await Assertions.Expect(inside.Messages.GetByText("came in")).ToBeVisibleAsync();
        await ana.ActAsync(open, new { type = "policy", guests = "none" });
        await Assertions.Expect(page.GetByText("Guests do not come in here any more.")).ToBeVisibleAsync();
        await Assertions.Expect(inside.Composer).ToHaveCountAsync(0);

        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var hers = await beas.OpenAsync($"/rooms/{asked}");
        await Assertions.Expect(hers.GetByRole(AriaRole.Heading, new() { NameRegex = new("^One needs an invitation to The club") })).ToBeVisibleAsync();
        await Assertions.Expect(hers.GetByText("@" + bea.UserName)).ToBeVisibleAsync();
        await hers.GotoAsync("/rooms");
        await hers.GetByRole(AriaRole.Main).GetByRole(AriaRole.Searchbox).FillAsync("The club");
        await Assertions.Expect(hers.GetByRole(AriaRole.Main).GetByRole(AriaRole.Link).Filter(new() { HasText = "The club" }).First).ToContainTextAsync("By invitation");

        // Invited, she comes in.
        await ana.InviteAsync(asked, bea.UserName);
        await bea.EnterAsync(asked);
        ChatPage chat = new(hers);
        await hers.GotoAsync($"/rooms/{asked}");
        await chat.IsInRoomAsync();
        guests.AssertNoComplaints();
        beas.AssertNoComplaints();
    }

    [Fact]
    public async Task An_owner_who_leaves_gives_the_room_to_a_member_or_deletes_it()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The cellar", visibility: "private");
        await ana.BringInAsync(room, bea);
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        var owner = await ChatPage.OpenAsync(anas, room);
        await owner.Page.GetByRole(AriaRole.Button, new() { Name = "Leave this room" }).ClickAsync();
        var dialog = owner.Page.GetByRole(AriaRole.Dialog, new() { Name = "Leave The cellar?" });
        await Assertions.Expect(dialog.GetByRole(AriaRole.Radio, new() { NameRegex = new("It stays mine") })).ToHaveCountAsync(0);
        await dialog.GetByRole(AriaRole.Radio, new() { NameRegex = new(bea.UserName) }).ClickAsync();
        await AssertWellMadeAsync(owner.Page);
        await dialog.GetByRole(AriaRole.Button, new() { Name = "Give it away and leave" }).ClickAsync();
        await Assertions.Expect(owner.Page).ToHaveURLAsync("/rooms");

        // It is hers: she deletes it, by its name.
        await using var beas = await chromium.VisitorAsync(shared.Server, phone: true);
        await beas.BeAsync(bea);
        var heir = await ChatPage.OpenAsync(beas, room);
        var panel = await OpenPanelAsync(heir, "Look after the room");
        await panel.GetByRole(AriaRole.Button, new() { Name = "Delete the room" }).ClickAsync();
        var question = heir.Page.GetByRole(AriaRole.Dialog, new() { Name = "Delete The cellar?" });
        var field = question.GetByRole(AriaRole.Textbox);
        await field.FillAsync("the cellar");
        await heir.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(question.GetByText("This is not its name.")).ToBeVisibleAsync();
        await AssertWellMadeAsync(heir.Page);
        await field.FillAsync("The cellar ");
        await heir.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(heir.Page).ToHaveURLAsync("/rooms");
        using var answer = await bea.Http.GetAsync(new Uri($"/api/rooms/{room}", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }

    /// <summary>From the head of the room.</summary>
    private static async Task<ILocator> OpenPanelAsync(ChatPage chat, string name)
    {
        await chat.Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Button, new() { Name = name }).ClickAsync();
        var panel = chat.Page.GetByRole(AriaRole.Region, new() { Name = name, Exact = true });
        await Assertions.Expect(panel).ToBeVisibleAsync();
        return panel;
    }

    private static ILocator Row(ILocator panel, string name) => panel.GetByRole(AriaRole.Group, new() { Name = name, Exact = true }).First;

    private static ILocator Change(ILocator row, string name) => row.GetByRole(AriaRole.Button, new() { Name = $"Change: {name}", Exact = true });

    private static async Task<JsonElement> RulesAsync(Person person, string room) =>
        (await person.Http.GetFromJsonAsync<JsonElement>($"/api/rooms/{room}")).GetProperty("policy");

    private static async Task AssertWellMadeAsync(IPage page)
    {
        var violations = (await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => $"{violation.Id}: {violation.Nodes[0].Html}"));
        Assert.True(await page.EvaluateAsync<bool>("document.documentElement.scrollWidth <= innerWidth"));
    }
}
