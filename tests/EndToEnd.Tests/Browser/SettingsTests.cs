using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>What a person chooses holds at once, in all tabs, and on all devices of the account.</summary>
public sealed class SettingsTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task What_is_chosen_goes_with_the_account_and_outlives_a_reload()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var laptop = await chromium.VisitorAsync(shared.Server);
        await laptop.BeAsync(ana);
        var page = await laptop.OpenAsync("/account/settings");
        var second = await laptop.OpenAsync("/account/settings");

        await Choose(page, "Time of day", "12 hours");
        await Assertions.Expect(page.GetByText("Half past nine in the evening is 9:30 pm.")).ToBeVisibleAsync();
        await Choose(page, "Time of day", "24 hours");
        await Assertions.Expect(page.GetByText("Half past nine in the evening is 21:30.")).ToBeVisibleAsync();
        await Choose(page, "Text size", "Larger");
        await Choose(page, "Messages", "Compact");
        await Assertions.Expect(second.GetByText("Half past nine in the evening is 21:30.")).ToBeVisibleAsync();
        await LooksAsync(second);
        await page.ReloadAsync();
        await LooksAsync(page);

        // Another device, where nothing was chosen, but the colours.
        await using var phone = await chromium.VisitorAsync(shared.Server, phone: true);
        var door = await phone.OpenAsync("/sign-in");
        await door.GetByLabel("Colours").SelectOptionAsync("dark");
        await phone.BeAsync(ana);
        await door.GotoAsync("/account/settings");
        await LooksAsync(door);
        await Assertions.Expect(Choice(door, "Colours", "Dark")).ToBeCheckedAsync();
        await Assertions.Expect(Choice(door, "Time of day", "24 hours")).ToBeCheckedAsync();
        laptop.AssertNoComplaints();
        phone.AssertNoComplaints();

        static async Task LooksAsync(IPage of)
        {
            await Assertions.Expect(of.Locator("html")).ToHaveAttributeAsync("data-density", "compact");
            await Assertions.Expect(of.Locator("html")).ToHaveCSSAsync("font-size", "20px");
        }
    }

    [Fact]
    public async Task What_is_chosen_without_a_network_reaches_the_account_later()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var page = await browser.OpenAsync("/account/settings");
        await Choose(page, "Messages", "Compact");
        await Assertions.Expect(Choice(page, "Messages", "Compact")).ToBeCheckedAsync();
        await browser.Context.SetOfflineAsync(true);
        await Choose(page, "Messages", "Cosy");
        await Choose(page, "Who comes and goes", "Not told");
        await browser.Context.SetOfflineAsync(false);
        await page.ReloadAsync();
        await Assertions.Expect(Choice(page, "Messages", "Cosy")).ToBeCheckedAsync();

        await using var other = await chromium.VisitorAsync(shared.Server);
        await other.BeAsync(ana);
        var there = await other.OpenAsync("/account/settings");
        await Assertions.Expect(Choice(there, "Who comes and goes", "Not told")).ToBeCheckedAsync();
        await Assertions.Expect(Choice(there, "Messages", "Cosy")).ToBeCheckedAsync();

    }

    [Fact]
    public async Task Whoever_wants_no_comings_and_goings_in_the_talk_sees_none()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.SayAsync("first");
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        await ChatPage.OpenAsync(beas, room);
        var came = chat.Messages.GetByText($"{bea.DisplayName} came in");
        await Assertions.Expect(came).ToBeVisibleAsync();

        var settings = await browser.OpenAsync("/account/settings");
        await Choose(settings, "Who comes and goes", "Not told");

        await Assertions.Expect(came).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Messages.GetByText("first")).ToBeVisibleAsync();
        await Choose(settings, "Who comes and goes", "Told in the talk");
        await Assertions.Expect(came).ToBeVisibleAsync();
    }

    private static ILocator Choice(IPage page, string group, string name) =>
        page.GetByRole(AriaRole.Group, new() { Name = group, Exact = true }).GetByRole(AriaRole.Radio, new() { Name = name, Exact = true });

    private static Task Choose(IPage page, string group, string name) => Choice(page, group, name).CheckAsync(new() { Force = true });
}
