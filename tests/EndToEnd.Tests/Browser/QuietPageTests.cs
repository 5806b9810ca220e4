using System.Text.RegularExpressions;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Who looks after a room keeps it quiet by one press, once asked, all see until when, and it is ended as easily.</summary>
public sealed class QuietPageTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Who_looks_after_a_room_is_asked_and_keeps_it_quiet_and_all_see_until_when()
    {
        using var ana = await Person.RegisterAsync(shared.Server, "ana");
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The playground");
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var (hers, others) = (await ChatPage.OpenAsync(anas, room), await ChatPage.OpenAsync(beas, room));
        await others.SayAsync("who wants to play?");
        var banner = new Regex("^It is quiet here until .+: only moderators write");
        var press = hers.Page.GetByRole(AriaRole.Button, new() { Name = "Quiet for 15 minutes", Exact = true });

        // It holds for everybody, and nothing has said so yet.
        var question = hers.Page.GetByRole(AriaRole.Dialog, new() { Name = "Quiet for 15 minutes?" });
        await press.ClickAsync();
        await Assertions.Expect(question.GetByText(new Regex("^Only moderators write"))).ToBeVisibleAsync();
        await Assertions.Expect(question.GetByRole(AriaRole.Button, new() { Name = "Cancel" })).ToBeFocusedAsync();
        await hers.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(question).ToHaveCountAsync(0);
        await Assertions.Expect(press).ToBeFocusedAsync();
        await Assertions.Expect(hers.Page.GetByText(banner)).ToHaveCountAsync(0);
        await press.ClickAsync();
        await question.GetByRole(AriaRole.Button, new() { Name = "Keep it quiet" }).ClickAsync();
        await Assertions.Expect(question).ToHaveCountAsync(0);
        await Assertions.Expect(hers.Page.GetByText(banner)).ToBeVisibleAsync();
        await Assertions.Expect(others.Page.GetByText(banner)).ToBeVisibleAsync();
        await Assertions.Expect(others.Page.GetByText(new Regex("^The room is kept quiet until .+"))).ToBeVisibleAsync();
        await Assertions.Expect(others.Composer).ToBeHiddenAsync();
        await Assertions.Expect(others.Page.GetByRole(AriaRole.Button, new() { Name = "End the quiet now" })).ToHaveCountAsync(0);
        await hers.SayAsync("a moment, please");
        Assert.Empty((await hers.Page.RunAxe()).Violations.Select(violation => violation.Id));

        await hers.Page.GetByRole(AriaRole.Button, new() { Name = "End the quiet now", Exact = true }).ClickAsync();
        await Assertions.Expect(others.Page.GetByText(banner)).ToHaveCountAsync(0);
        await others.SayAsync("now I may");

        // And by what is typed.
        await hers.Composer.FillAsync("/quiet");
        await hers.Composer.PressAsync("Enter");
        await question.GetByRole(AriaRole.Button, new() { Name = "Keep it quiet" }).ClickAsync();
        await Assertions.Expect(others.Page.GetByText(banner)).ToBeVisibleAsync();
        await Assertions.Expect(hers.Composer).ToHaveValueAsync("");

        // On a phone, and where the room says what it is about, whoever looks after it finds all of this, too.
        await ana.ActAsync(room, new { type = "policy", topic = "Hide and seek, catch, and whatever else you can think of" });
        await hers.Page.SetViewportSizeAsync(360, 740);
        await Assertions.Expect(press).ToBeInViewportAsync(new() { Ratio = 1 });
        await Assertions.Expect(hers.Page.GetByText("Hide and seek")).ToBeAttachedAsync();
        var keep = hers.Page.Locator(".about .keep");
        Assert.True((await keep.BoundingBoxAsync())!.Width > 40);
        await hers.Page.GetByRole(AriaRole.Main).GetByRole(AriaRole.Button, new() { NameRegex = new("^Look after the room") }).ClickAsync();
        var views = hers.Page.GetByRole(AriaRole.Region, new() { Name = "Look after the room" }).Locator(".views button");
        await Assertions.Expect(views).Not.ToHaveCountAsync(0);
        foreach (var view in await views.AllAsync())
        {
            await Assertions.Expect(view).ToBeInViewportAsync(new() { Ratio = 1 });
        }

        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }
}
