using System.Net.Http.Json;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Roles and rules of a room, as its people see them.</summary>
public sealed class RoleTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task The_owner_makes_somebody_a_moderator_and_both_pages_tell_it()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The yard");
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        var owner = await ChatPage.OpenAsync(anas, room);
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var other = await ChatPage.OpenAsync(beas, room);

        await OpenCardAsync(owner, bea);
        await Button(owner, "Make a moderator").ClickAsync();
        await Assertions.Expect(Card(owner)).ToContainTextAsync($"Make {bea.DisplayName} a moderator of The yard?");
        await Button(owner, "Make a moderator").ClickAsync();
        await Assertions.Expect(Card(owner)).ToHaveCountAsync(0);

        foreach (var page in new[] { owner, other })
        {
            await page.SeesAsync($"{ana.DisplayName} made {bea.DisplayName} a moderator");
            await Assertions.Expect(Line(page, bea)).ToContainTextAsync("moderator");
            await Assertions.Expect(Line(page, ana)).ToContainTextAsync("keeps the room");
        }

        // It stands there after a reload; and she does to nobody what her role is too low for.
        await other.Page.ReloadAsync();
        await other.IsInRoomAsync();
        await other.SeesAsync($"{ana.DisplayName} made {bea.DisplayName} a moderator");
        await Assertions.Expect(Line(other, bea)).ToContainTextAsync("moderator");
        await OpenCardAsync(other, ana);
        await Assertions.Expect(Button(other, "Give the room away")).ToHaveCountAsync(0);
        await Assertions.Expect(Button(other, "Remove from the room")).ToHaveCountAsync(0);
        await other.Page.Keyboard.PressAsync("Escape");

        await OpenCardAsync(owner, bea);
        await Button(owner, "Give the room away").ClickAsync();
        await Button(owner, "Give the room away").ClickAsync();
        await other.SeesAsync($"{ana.DisplayName} gave the room to {bea.DisplayName}");
        await Assertions.Expect(Line(other, ana)).ToContainTextAsync("moderator");
        await OpenCardAsync(other, ana);
        await Assertions.Expect(Button(other, "Make a member again")).ToBeVisibleAsync();
        await OpenCardAsync(owner, bea);
        await Assertions.Expect(Button(owner, "Make a member again")).ToHaveCountAsync(0);
        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }

    [Fact]
    public async Task Who_may_not_write_is_told_so_in_place_of_the_composer_and_writes_when_he_may()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The stage");
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var page = await ChatPage.OpenAsync(beas, room);
        await page.Composer.FillAsync("not said yet");

        await ActAsync(ana, room, new { type = "policy", posting = "moderators" });
        var only = page.Page.GetByText("Only moderators write here.", new() { Exact = true });
        await Assertions.Expect(only).ToBeVisibleAsync();
        await Assertions.Expect(page.Composer).ToHaveCountAsync(0);
        await page.SeesAsync($"{ana.DisplayName} changed the rules of the room: only moderators write");

        // The server says it to who comes later, too.
        await page.Page.ReloadAsync();
        await Assertions.Expect(only).ToBeVisibleAsync();
        await Assertions.Expect(page.Composer).ToHaveCountAsync(0);

        await ActAsync(ana, room, new { type = "role", user = bea.UserName, role = "moderator" });
        await Assertions.Expect(page.Composer).ToHaveValueAsync("not said yet");
        await page.SayAsync("now I may");
        await Assertions.Expect(page.Messages.Locator(".bubble[data-seq]").GetByText("now I may")).ToBeVisibleAsync();
        await Assertions.Expect(only).ToHaveCountAsync(0);
        beas.AssertNoComplaints();
    }

    private static async Task ActAsync(Person person, string room, object act)
    {
        var answer = await person.Http.PostAsJsonAsync($"/api/rooms/{room}/events", act);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    private static ILocator Line(ChatPage chat, Person person) =>
        chat.Page.GetByRole(AriaRole.List, new() { Name = "People here" }).GetByRole(AriaRole.Button).Filter(new() { HasText = person.DisplayName });

    private static ILocator Card(ChatPage chat) => chat.Page.GetByRole(AriaRole.Dialog);

    private static ILocator Button(ChatPage chat, string name) => Card(chat).GetByRole(AriaRole.Button, new() { Name = name, Exact = true });

    private static async Task OpenCardAsync(ChatPage chat, Person person)
    {
        await Line(chat, person).ClickAsync();
        await Assertions.Expect(Card(chat)).ToContainTextAsync(person.UserName);
    }
}
