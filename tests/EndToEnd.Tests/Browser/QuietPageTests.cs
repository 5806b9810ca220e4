using System.Text.RegularExpressions;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Who looks after a room keeps it quiet by one press, all see until when, and it is ended as easily.</summary>
public sealed class QuietPageTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Who_looks_after_a_room_keeps_it_quiet_by_one_press_and_all_see_until_when()
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

        await press.ClickAsync();
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
        await Assertions.Expect(others.Page.GetByText(banner)).ToBeVisibleAsync();
        await Assertions.Expect(hers.Composer).ToHaveValueAsync("");
        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }
}
