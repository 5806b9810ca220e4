using System.Net.Http.Json;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>A room is found by its tag, looked into and come into; archived, it is read and not written.</summary>
public sealed class DirectoryTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task A_room_is_found_by_its_tag_looked_into_joined_and_archived()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var (title, tag) = (Lobby.Unique("The greenhouse"), Lobby.Unique("plants")[..24]);
        var room = await ana.NewRoomAsync(title);
        using var tagged = await ana.Http.PatchAsJsonAsync($"/api/rooms/{room}", new { tags = new[] { tag } }, TestContext.Current.CancellationToken);
        tagged.EnsureSuccessStatusCode();
        await ana.SayAsync(shared.Server, room, "The first tomato is ripe.");
        await using var beas = await chromium.VisitorAsync(shared.Server, scheme: ColorScheme.Dark);
        await beas.BeAsync(bea);
        var page = await beas.OpenAsync("/rooms");
        var main = page.GetByRole(AriaRole.Main);

        // Found by words, and by the tag that its card shows.
        await main.GetByRole(AriaRole.Searchbox).FillAsync(title);
        var card = main.GetByRole(AriaRole.Listitem).Filter(new() { HasText = title });
        await card.GetByRole(AriaRole.Button, new() { Name = $"Rooms about {tag}", Exact = true }).ClickAsync();
        await Assertions.Expect(main.GetByRole(AriaRole.Button, new() { Name = tag, Exact = true, Pressed = true })).ToBeVisibleAsync();
        await main.GetByRole(AriaRole.Combobox, new() { Name = "Order" }).SelectOptionAsync("activity");
        await Assertions.Expect(main.GetByRole(AriaRole.Listitem)).ToHaveCountAsync(1);
        await AssertWellMadeAsync(page);

        // Looked into: what is said meanwhile comes, and nobody is told.
        await page.SetViewportSizeAsync(360, 760);
        await card.GetByRole(AriaRole.Button, new() { Name = $"Look inside: {title}", Exact = true }).ClickAsync();
        var peek = page.GetByRole(AriaRole.Dialog, new() { Name = title });
        await Assertions.Expect(peek.GetByText("The first tomato is ripe.")).ToBeVisibleAsync();
        await ana.SayAsync(shared.Server, room, "And a second one.");
        await Assertions.Expect(peek.GetByText("And a second one.")).ToBeVisibleAsync(new() { Timeout = 15_000 });
        Assert.DoesNotContain(await ana.EventsAsync(room), one => one.GetProperty("from").GetProperty("user").GetString() == bea.UserName);
        await AssertWellMadeAsync(page);
        await peek.GetByRole(AriaRole.Button, new() { Name = "Join", Exact = true }).ClickAsync();
        ChatPage hers = new(page);
        await hers.IsInRoomAsync();

        // Archived by who keeps it, by the keyboard.
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(anas, room);
        await chat.Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Button, new() { Name = "Look after the room" }).ClickAsync();
        var archive = chat.Page.GetByRole(AriaRole.Button, new() { Name = "Archive the room", Exact = true });
        await archive.FocusAsync();
        await chat.Page.Keyboard.PressAsync("Enter");
        await archive.FocusAsync();
        await chat.Page.Keyboard.PressAsync("Enter");
        var open = chat.Page.GetByRole(AriaRole.Button, new() { Name = "Open it again", Exact = true });
        await Assertions.Expect(open).ToBeFocusedAsync();
        await AssertWellMadeAsync(chat.Page);
        await Assertions.Expect(page.GetByText("This room is archived: it is read, and nobody writes any more.")).ToBeVisibleAsync();
        await hers.SeesAsync($"{ana.DisplayName} archived the room");
        await AssertWellMadeAsync(page);

        await open.ClickAsync();
        await Assertions.Expect(hers.Composer).ToBeEditableAsync();
        beas.AssertNoComplaints();
        anas.AssertNoComplaints();
    }

    private static async Task AssertWellMadeAsync(IPage page)
    {
        var violations = (await page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical");
        Assert.Empty(violations.Select(violation => $"{violation.Id}: {string.Join(" | ", violation.Nodes.Select(node => node.Html))}"));
        Assert.True(await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= innerWidth"));
    }
}
