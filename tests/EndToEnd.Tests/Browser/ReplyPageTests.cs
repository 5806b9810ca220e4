using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>Answers with the line that they answer above them.</summary>
public sealed class ReplyPageTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task An_answer_shows_what_it_answers_follows_its_changes_and_a_press_leads_there()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await using var anas = await chromium.VisitorAsync(shared.Server);
        await anas.BeAsync(ana);
        var asks = await ChatPage.OpenAsync(anas, room);
        await using var beas = await chromium.VisitorAsync(shared.Server);
        await beas.BeAsync(bea);
        var answers = await ChatPage.OpenAsync(beas, room);
        await asks.SayAsync("who brings **cake**?");
        await answers.SeesAsync("cake");

        // Left by Escape, nobody is answered.
        await answers.DoAsync("Reply", "cake");
        var banner = answers.Page.GetByRole(AriaRole.Status).Filter(new() { HasText = $"Answer to {ana.DisplayName}: who brings cake?" });
        await Assertions.Expect(banner).ToBeVisibleAsync();
        await Assertions.Expect(answers.Composer).ToBeFocusedAsync();
        await answers.Page.Keyboard.PressAsync("Escape");
        await Assertions.Expect(banner).ToHaveCountAsync(0);
        await answers.SayAsync("just so");
        await answers.DoAsync("Reply", "cake");
        await answers.SayAsync("I do");
        await Assertions.Expect(banner).ToHaveCountAsync(0);
        foreach (var page in new[] { asks, answers })
        {
            await page.SeesAsync("I do");
            await Assertions.Expect(Quote(page)).ToHaveCountAsync(1);
            await Assertions.Expect(page.Message("I do")).ToContainTextAsync($"In answer to: {ana.DisplayName} who brings cake?");
        }

        var said = await ana.EventsAsync(room);
        var question = said.Single(one => one.GetProperty("type").GetString() == "message" && one.GetProperty("text").GetString()!.StartsWith("who", StringComparison.Ordinal));
        Assert.Equal(
            question.GetProperty("seq").GetInt64(),
            said.Single(one => one.TryGetProperty("text", out var text) && text.GetString() == "I do").GetProperty("replyTo").GetInt64());
        Assert.False(said.Single(one => one.TryGetProperty("text", out var text) && text.GetString() == "just so").TryGetProperty("replyTo", out _));

        await Quote(answers).ClickAsync();
        await Assertions.Expect(answers.Messages.Locator("article.marked")).ToContainTextAsync("who brings cake?");

        await asks.DoAsync("Edit", "cake");
        await asks.SayAsync("who brings tea?");
        await Assertions.Expect(Quote(answers)).ToContainTextAsync("who brings tea?");
        await asks.DoAsync("Delete", "who brings tea?");
        await asks.Page.GetByRole(AriaRole.Alertdialog).GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        foreach (var page in new[] { asks, answers })
        {
            await Assertions.Expect(Quote(page)).ToContainTextAsync("A message that is not there (any more)");
            await Assertions.Expect(page.Page.GetByText("who brings")).ToHaveCountAsync(0);
        }

        anas.AssertNoComplaints();
        beas.AssertNoComplaints();
    }

    [Fact]
    public async Task A_finger_that_goes_to_the_right_over_a_message_answers_it()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        using var bea = await Person.RegisterAsync(shared.Server, "bea");
        var room = await ana.NewRoomAsync();
        await bea.EnterAsync(room);
        await using var phone = await chromium.VisitorAsync(shared.Server, phone: true);
        await phone.BeAsync(ana);
        var chat = await ChatPage.OpenAsync(phone, room);
        await bea.SayAsync(shared.Server, room, "swipe me");
        await chat.SeesAsync("swipe me");
        var banner = chat.Page.GetByRole(AriaRole.Status).Filter(new() { HasText = $"Answer to {bea.DisplayName}: swipe me" });
        await using var finger = await Finger.OnAsync(chat, "swipe me");

        await finger.DownAsync();
        await finger.MoveAsync(20);
        await finger.MoveAsync(30);
        await finger.UpAsync();
        await chat.FramesAsync();
        await Assertions.Expect(banner).ToHaveCountAsync(0);

        await finger.DownAsync();
        foreach (var right in new[] { 20, 50, 90, 120 })
        {
            await finger.MoveAsync(right);
        }

        await finger.UpAsync();
        await Assertions.Expect(banner).ToBeVisibleAsync();
        await chat.Composer.FillAsync("swiped");
        await chat.Page.GetByRole(AriaRole.Button, new() { Name = "Send" }).ClickAsync();
        await Assertions.Expect(Quote(chat)).ToContainTextAsync("swipe me");
        phone.AssertNoComplaints();
    }

    private static ILocator Quote(ChatPage page) => page.Messages.GetByRole(AriaRole.Button, new() { Name = "In answer to:" });
}
