using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>The page goes while the browser's disk is busy.</summary>
public sealed class ReloadTests(SharedServer shared, Chromium chromium)
{
    /// <summary>Another write, which ends with the page, is before whatever the page writes.</summary>
    private const string DiskIsBusy = """
        () => new Promise((resolve) => {
            const opening = indexedDB.open('webmessenger');
            opening.onsuccess = () => {
                const drafts = opening.result.transaction(['drafts', 'outbox'], 'readwrite').objectStore('drafts');
                const again = () => {
                    drafts.get(['nobody', 'nothing']).onsuccess = again;
                };
                again();
                resolve();
            };
        })
        """;

    private const string NothingIsLeft = "() => Object.keys(localStorage).every((name) => !name.startsWith('webmessenger.left.'))";

    [Fact]
    public async Task What_is_written_outlives_a_reload_that_comes_before_the_disk_has_taken_it()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        await chat.Page.EvaluateAsync(DiskIsBusy);

        await chat.Composer.FillAsync("not yet on disk");
        await chat.Page.ReloadAsync();
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("not yet on disk");

        // By now it is on disk, and nowhere else.
        await chat.Page.WaitForFunctionAsync(NothingIsLeft);
        await chat.Page.ReloadAsync();
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("not yet on disk");

        await chat.Page.EvaluateAsync(DiskIsBusy);
        await chat.Composer.PressAsync("Enter");
        await chat.Page.ReloadAsync();
        await chat.SeesAsync("not yet on disk");
        await chat.Page.WaitForFunctionAsync(NothingIsLeft);
        await Assertions.Expect(chat.Composer).ToHaveValueAsync("");
        Assert.Equal(["not yet on disk"], await chat.SaidAsync());
    }
}
