using System.Net.Http.Json;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>In a room with slow mode the composer shows the wait, in each tab.</summary>
public sealed class SlowModePageTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Who_has_spoken_sees_the_wait_in_each_tab_and_what_he_writes_stays()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync("The queue");
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var (one, other) = (await ChatPage.OpenAsync(beas, room), await ChatPage.OpenAsync(beas, room));
        await SetAsync(ana, room, 3600);
        await one.SeesAsync($"{ana.DisplayName} changed the rules of the room: one message every 3600 s");
        await one.SayAsync("the first");

        foreach (var tab in new[] { one, other })
        {
            await Assertions.Expect(tab.Page.GetByRole(AriaRole.Timer)).ToHaveTextAsync(new System.Text.RegularExpressions.Regex("^Slow mode: the next in (59|60):\\d\\d$"));
            await tab.Composer.FillAsync("the second");
            await tab.Composer.PressAsync("Enter");
            await tab.FramesAsync();
            await Assertions.Expect(tab.Composer).ToHaveValueAsync("the second");
            await Assertions.Expect(tab.Page.GetByRole(AriaRole.Button, new() { Name = "Send", Exact = true })).ToBeDisabledAsync();
        }

        // Who looks after the room ends it: nobody waits any more.
        await SetAsync(ana, room, 0);
        await Assertions.Expect(one.Page.GetByRole(AriaRole.Timer)).ToHaveCountAsync(0);
        await one.Composer.PressAsync("Enter");
        await one.SeesAsync("the second");
        await Assertions.Expect(one.Unsent).ToHaveCountAsync(0);
        beas.AssertNoComplaints();
    }

    private static async Task SetAsync(Person person, string room, int seconds)
    {
        var answer = await person.Http.PostAsJsonAsync($"/api/rooms/{room}/events", new { type = "policy", slowMode = seconds });
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }
}
