using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Somebody opens a link into a room: whatever the way in, it ends there.</summary>
public sealed class InvitePageTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Who_has_a_link_sees_the_room_and_is_in_it_with_a_nickname_alone()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await bea.NewRoomAsync("The cellar", visibility: "private");
        var link = await bea.NewInviteAsync(room);
        await using var guest = await chromium.VisitorAsync(shared.Server, phone: true);
        ChatPage chat = new(await guest.OpenAsync(link));
        await Assertions.Expect(Heading(chat, "The cellar")).ToBeVisibleAsync();
        await Assertions.Expect(chat.Page.GetByText(bea.DisplayName)).ToBeVisibleAsync();
        await Assertions.Expect(chat.Page.GetByText("Nobody is inside just now")).ToBeVisibleAsync();
        await Assertions.Expect(chat.Page).ToHaveURLAsync("/i");
        await Assertions.Expect(chat.Page).ToHaveTitleAsync("An invitation · WebMessenger");

        // The address has no secret any more, and the tab has.
        await chat.Page.ReloadAsync();
        await Assertions.Expect(Heading(chat, "The cellar")).ToBeVisibleAsync();
        await chat.Page.GetByLabel("Your nickname").FillAsync(Lobby.Unique("Zoe"));
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Come in" }).ClickAsync();
        await IsInAsync(chat, room);

        // Whoever is signed in is asked once.
        var other = await bea.NewRoomAsync("The attic");
        await chat.Page.GotoAsync(await bea.NewInviteAsync(other));
        await Assertions.Expect(Heading(chat, "The attic")).ToBeVisibleAsync();
        await Assertions.Expect(chat.Page.GetByLabel("Your nickname")).ToHaveCountAsync(0);
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Come in" }).ClickAsync();
        await IsInAsync(chat, other);
        guest.AssertNoComplaints();
    }

    [Fact]
    public async Task Registering_and_signing_in_on_the_way_end_in_the_room()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await bea.NewRoomAsync("The cellar", visibility: "private");
        var link = await bea.NewInviteAsync(room);
        await using (var newcomer = await chromium.VisitorAsync(shared.Server))
        {
            ChatPage chat = new(await newcomer.OpenAsync(link));
            await chat.Page.GetByRole(AriaRole.Link, new() { Name = "Create an account" }).ClickAsync();
            var user = $"i{Guid.NewGuid():N}"[..20];
            await chat.Page.GetByLabel("User name").FillAsync(user);
            await chat.Page.GetByLabel("Display name").FillAsync(user);
            await chat.Page.GetByLabel("E-mail").FillAsync($"{user}@example.org");
            await chat.Page.GetByLabel("Password", new() { Exact = true }).FillAsync(Person.Password);
            await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Create account" }).ClickAsync();
            await IsInAsync(chat, room);
            newcomer.AssertNoComplaints();
        }

        await using var member = await chromium.VisitorAsync(shared.Server);
        ChatPage again = new(await member.OpenAsync(link));
        await again.Page.GetByRole(AriaRole.Link, new() { Name = "Sign in" }).ClickAsync();
        await again.Page.GetByLabel("E-mail or user name").FillAsync(ana.UserName);
        await again.Page.GetByLabel("Password", new() { Exact = true }).FillAsync(Person.Password);
        await again.Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();
        await IsInAsync(again, room);
    }

    [Fact]
    public async Task A_link_that_leads_nowhere_says_so()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await using var visitor = await chromium.VisitorAsync(shared.Server);
        ChatPage chat = new(await visitor.OpenAsync("/i"));
        await Assertions.Expect(chat.Page.GetByText("The end of the link is missing.")).ToBeVisibleAsync();

        await chat.Page.GotoAsync("/i#AAAAAAAAAAAAAAAAAAAAAA");

        await Assertions.Expect(Heading(chat, "This link does not work any more")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_guest_who_is_not_let_in_is_shown_the_way_that_ends_in_the_room()
    {
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await bea.NewRoomAsync("The cellar");
        await bea.ActAsync(room, new { type = "policy", guests = "none" });
        await using var guest = await chromium.VisitorAsync(shared.Server, phone: true);
        ChatPage chat = new(await guest.OpenAsync(await bea.NewInviteAsync(room)));
        await chat.Page.GetByLabel("Your nickname").FillAsync(Lobby.Unique("Zoe"));
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Come in" }).ClickAsync();
        await Assertions.Expect(chat.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("This room lets nobody in as a guest.");

        await chat.Page.GetByRole(AriaRole.Link, new() { Name = "Sign in" }).ClickAsync();
        await chat.Page.GetByLabel("E-mail or user name").FillAsync(ana.UserName);
        await chat.Page.GetByLabel("Password", new() { Exact = true }).FillAsync(Person.Password);
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Sign in" }).ClickAsync();

        await IsInAsync(chat, room);
    }

    private static ILocator Heading(ChatPage chat, string name) => chat.Page.GetByRole(AriaRole.Heading, new() { Name = name });

    private static async Task IsInAsync(ChatPage chat, string room)
    {
        await Assertions.Expect(chat.Page).ToHaveURLAsync($"/rooms/{room}");
        await chat.IsInRoomAsync();
    }
}
