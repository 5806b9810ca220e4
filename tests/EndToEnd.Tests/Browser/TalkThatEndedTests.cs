using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Conversations whose other account is erased, and whispers that are deleted while the page shows them.</summary>
public sealed class TalkThatEndedTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task With_somebody_erased_the_unread_are_read_and_what_one_said_can_be_taken_back()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        await SayAsync(ana, bea, "said by me");
        await SayAsync(bea, ana, "said by her");
        using HttpRequestMessage erasing = new(HttpMethod.Delete, "/api/accounts/me")
        {
            Content = JsonContent.Create(new { currentPassword = Person.Password }),
        };
        Assert.Equal(HttpStatusCode.NoContent, (await bea.Http.SendAsync(erasing, TestContext.Current.CancellationToken)).StatusCode);
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser);
        var second = await ChatPage.OpenAsync(browser);
        await Assertions.Expect(second.RoomLink(bea.UserName)).ToContainTextAsync("1 new message");

        await chat.RoomLink(bea.UserName).ClickAsync();
        await chat.SeesAsync("said by her");

        await Assertions.Expect(second.RoomLink(bea.UserName)).Not.ToContainTextAsync("new message");
        await chat.DoAsync("Delete", "said by me");
        await chat.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Assertions.Expect(chat.Messages.GetByText("said by me")).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Messages.GetByRole(AriaRole.Alert)).ToHaveCountAsync(0);
        browser.AssertNoComplaints();
    }

    [Fact]
    public async Task A_whisper_that_is_deleted_stands_nowhere_over_the_page_nor_in_what_a_screen_reader_is_told()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var browser = await chromium.VisitorAsync(shared.Server);
        await browser.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(browser, room);
        var notices = chat.Page.GetByRole(AriaRole.Region, new() { Name = "Notices" });
        var told = notices.Locator("[aria-live=polite]").GetByText("the canary sings");

        var seq = await SayAsync(bea, ana, "the canary sings");
        await Assertions.Expect(told).ToHaveCountAsync(1);
        await DoAsync(bea, ana, new { type = "delete", of = seq });

        await Assertions.Expect(told).ToHaveCountAsync(0);
        await Assertions.Expect(chat.Page.GetByText("the canary sings")).ToHaveCountAsync(0);
        browser.AssertNoComplaints();
    }

    private static async Task<long> SayAsync(Person from, Person to, string text) =>
        await DoAsync(from, to, new { type = "message", text });

    private static async Task<long> DoAsync(Person from, Person to, object command)
    {
        using var answer = await from.Http.PostAsJsonAsync($"/api/conversations/{to.UserName}/events", command);
        Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetProperty("seq").GetInt64();
    }
}
