using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Asking somebody into a room, from both sides.</summary>
public sealed class InvitationTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Fault_S18_S19_who_is_invited_is_asked_at_once_and_stands_on_the_list_after_joining()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await bea.NewRoomAsync("The cellar", visibility: "private");
        var other = await bea.NewRoomAsync("The attic", visibility: "private");
        await using var hers = await chromium.VisitorAsync(shared.Server);
        await hers.BeAsync(ana);
        var invited = await ChatPage.OpenAsync(hers);
        await using var makers = await chromium.VisitorAsync(shared.Server);
        await makers.BeAsync(bea);
        var maker = await ChatPage.OpenAsync(makers, room);

        await maker.Page.GetByLabel("Invite somebody").FillAsync("Ana Banana");
        await maker.Page.GetByRole(AriaRole.Button, new() { Name = "Invite", Exact = true }).ClickAsync();
        await Assertions.Expect(maker.Page.GetByText("No user name is written like this")).ToBeVisibleAsync();

        // As it stands in the page (fault A4).
        await maker.Page.GetByLabel("Invite somebody").FillAsync("@" + ana.UserName);
        await maker.Page.GetByRole(AriaRole.Button, new() { Name = "Invite", Exact = true }).ClickAsync();
        await Assertions.Expect(maker.Page.GetByText($"If there is somebody called {ana.UserName}")).ToBeVisibleAsync();
        await bea.InviteAsync(other, ana.UserName);

        // Without asking the server again: she is told.
        var (join, decline) = (Button(invited, "Join The cellar"), Button(invited, "No thanks to The attic"));
        await Assertions.Expect(decline).ToBeVisibleAsync();
        await decline.ClickAsync();
        await Assertions.Expect(decline).ToHaveCountAsync(0);

        // For some seconds it can be undone, and for as long as she stays there; after that for a month not (fault B1).
        var undo = Button(invited, "Undo: keep the invitation to The attic");
        await Assertions.Expect(undo).ToBeFocusedAsync();
        await undo.PressAsync("Enter");
        await Assertions.Expect(decline).ToBeFocusedAsync();
        await decline.PressAsync("Enter");
        await Assertions.Expect(undo).ToBeFocusedAsync();
        await join.ClickAsync();
        await invited.IsInRoomAsync();
        await Assertions.Expect(undo).ToHaveCountAsync(0, new() { Timeout = 20_000 });
        await Assertions.Expect(decline).ToHaveCountAsync(0);
        await Assertions.Expect(invited.Page).ToHaveURLAsync($"/rooms/{room}");
        await Assertions.Expect(join).ToHaveCountAsync(0);

        // She goes, and is a member all the same, until she is put out.
        await invited.Page.CloseAsync();
        var also = Button(maker, "Also members");
        await also.ClickAsync();
        var line = maker.Page.GetByRole(AriaRole.List, new() { Name = "Members who are not here" }).GetByRole(AriaRole.Button);
        await Assertions.Expect(line).ToContainTextAsync(ana.DisplayName);
        await line.ClickAsync();
        var card = maker.Page.GetByRole(AriaRole.Dialog);
        await card.GetByRole(AriaRole.Button, new() { Name = "Remove from the room" }).ClickAsync();
        await card.GetByRole(AriaRole.Button, new() { Name = "Remove from the room" }).ClickAsync();
        await Assertions.Expect(card).ToHaveCountAsync(0);
        await Assertions.Expect(maker.Page.GetByText("Every member is here.")).ToBeVisibleAsync();
        makers.AssertNoComplaints();
        hers.AssertNoComplaints();
    }

    [Fact]
    public async Task Fault_P38_On_a_phone_every_page_of_the_chat_says_what_waits_behind_the_menu_button()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        var empty = Lobby.Unique("Empty");
        await bea.NewRoomAsync(empty);
        await bea.InviteAsync(await bea.NewRoomAsync("The cellar", visibility: "private"), ana.UserName);
        await using var hers = await chromium.VisitorAsync(shared.Server, phone: true);
        await hers.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(hers);
        var menu = Button(chat, "Show rooms (1 invitation)");
        await Assertions.Expect(menu).ToBeVisibleAsync();

        await chat.Page.GotoAsync("/whispers");
        await Assertions.Expect(menu).ToBeVisibleAsync();
        await chat.Page.GotoAsync("/rooms");
        await Assertions.Expect(menu).ToBeVisibleAsync();

        // The list of all rooms says it at its top, too.
        await chat.Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Button, new() { Name = "1 invitation", Exact = true }).ClickAsync();
        await Assertions.Expect(Button(chat, "Join The cellar")).ToBeVisibleAsync();
        await chat.Page.Keyboard.PressAsync("Escape");

        // How many are in a room is not known without a connection (fault P10). Of many rooms the list has the busiest: it is looked for.
        await chat.Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Searchbox).FillAsync(empty);
        var card = chat.Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Link).Filter(new() { HasText = empty });
        await Assertions.Expect(card).ToContainTextAsync("Nobody here now");
        await hers.Context.SetOfflineAsync(true);
        await Assertions.Expect(card).Not.ToContainTextAsync("Nobody here now");
        hers.AssertNoComplaints();
    }

    private static ILocator Button(ChatPage chat, string name) => chat.Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true });
}
