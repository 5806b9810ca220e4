using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Who looks after a room types what is to be done, and is asked as on a person's card.</summary>
public sealed class HostCommandTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task A_command_is_completed_asked_about_and_done_and_who_may_not_is_told_so()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The pub");
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        await using var beas = await chromium.VisitorAsync(shared.Server, phone: true);
        await beas.BeAsync(bea);
        var host = await ChatPage.OpenAsync(anas, room);
        var page = await ChatPage.OpenAsync(beas, room);
        await Assertions.Expect(host.Page.GetByRole(AriaRole.Complementary, new() { Name = "People here" })).ToContainTextAsync(bea.DisplayName);

        // By completion, the end of which is typed: for how long, and why.
        await host.Composer.PressSequentiallyAsync("/mu");
        var offered = host.Page.GetByRole(AriaRole.Listbox, new() { Name = "Suggestions" });
        await Assertions.Expect(offered.GetByRole(AriaRole.Option)).ToContainTextAsync("/mute");
        await host.Page.Keyboard.PressAsync("Tab");
        await host.Page.Keyboard.TypeAsync($"@{bea.UserName} 90m Too loud.");
        await host.Page.Keyboard.PressAsync("Enter");
        var asked = host.Page.GetByRole(AriaRole.Dialog, new() { Name = $"Mute {bea.DisplayName} in The pub?", Exact = true });
        await Assertions.Expect(asked.GetByLabel("For how long")).ToHaveValueAsync("90");
        await Assertions.Expect(asked.GetByLabel("Why (they are told; may be left out)")).ToHaveValueAsync("Too loud.");
        Assert.Empty((await host.Page.RunAxe()).Violations.Where(violation => violation.Impact is "serious" or "critical").Select(violation => violation.Id));
        await asked.GetByRole(AriaRole.Button, new() { Name = "Mute", Exact = true }).ClickAsync();
        await Assertions.Expect(host.Composer).ToHaveValueAsync("");
        await Assertions.Expect(host.Composer).ToBeFocusedAsync();
        await Assertions.Expect(page.Page.GetByRole(AriaRole.Status).Filter(new() { HasText = "You are muted here until" })).ToContainTextAsync("Too loud.");

        // Left, it is not done, and what was typed is there still; of nobody's name the server says so.
        await host.Composer.FillAsync("/kick @nobody-here");
        await host.Page.Keyboard.PressAsync("Enter");
        var kick = host.Page.GetByRole(AriaRole.Dialog, new() { Name = "Remove nobody-here from The pub?", Exact = true });
        await kick.GetByRole(AriaRole.Button, new() { Name = "Remove from the room", Exact = true }).ClickAsync();
        await Assertions.Expect(kick.GetByText("This person is not a member of the room (any more).")).ToBeVisibleAsync();
        await host.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(kick).ToHaveCountAsync(0);
        await Assertions.Expect(host.Composer).ToHaveValueAsync("/kick @nobody-here");
        await host.Composer.FillAsync("/ban");
        await host.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(host.Page.GetByText("After “/ban” comes whom it is about: “/ban @bea”.")).ToBeVisibleAsync();

        await ana.ActAsync(room, new { type = "unmute", user = bea.UserName });
        await page.Composer.FillAsync($"/kick @{ana.UserName}");
        await page.Page.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync();
        await Assertions.Expect(page.Page.GetByText("Only who looks after this room does this.")).ToBeVisibleAsync();
        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }
}
