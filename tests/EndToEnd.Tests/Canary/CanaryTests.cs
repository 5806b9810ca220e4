using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Durability;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Canary;

/// <summary>What was deleted is nowhere any more, and after `purge` in no file.</summary>
public sealed class CanaryTests(Chromium chromium)
{
    [Fact]
    public async Task What_was_deleted_is_in_no_answer_delivery_index_log_line_or_browser_and_after_purge_in_no_file()
    {
        await using var server = await ServerProcess.StartAsync(CanaryHunt.Settings);
        using var talk = await CanaryTalk.OfAsync(server);
        await TakeAsync(talk.Steps);
        await using var open = await CanaryBrowser.OfAsync(chromium, server, talk, talk.Bea, talk.Ana);
        await using var away = await CanaryBrowser.OfAsync(chromium, server, talk, talk.Bea, talk.Ana);
        await using var closed = await CanaryBrowser.OfAsync(chromium, server, talk, talk.Bea, talk.Ana);
        await using var writing = await CanaryBrowser.OfAsync(chromium, server, talk, talk.Ana, talk.Bea);
        await SearchesAsync(open, talk);
        await OpensAsync(away, talk, "Saved messages");
        await OpensAsync(writing, talk, "Mentions");
        await away.Context.SetOfflineAsync(true);
        await closed.CloseAsync();
        await writing.Chat.Message($"{talk.Word}2 @{talk.Bea.UserName} https://example.org/{talk.Word}").HoverAsync();
        await writing.Chat.Bar.GetByRole(AriaRole.Button, new() { Name = "Edit", Exact = true }).ClickAsync();

        // What is looked for would be found.
        var found = (await CanaryHunt.InAnswersAsync(talk)).Select(where => where.Split(' ')[1].Split('?')[0]).ToHashSet();
        Assert.All(
            (string[])
            [
                $"rooms/{talk.Room}/events", $"rooms/{talk.Room}/pins", "saved", "notices", "search", "whispers", "conversations",
                $"conversations/{talk.Bea.UserName}/events",
            ],
            path => Assert.Contains("/api/" + path, found));
        Assert.Contains(talk.Word, await CanaryHunt.InDeliveriesAsync(server, talk), StringComparison.Ordinal);
        CanaryHunt.AssertInFiles(server, talk);

        await TakeAsync(talk.Deletions);

        await open.HasItNowhereAsync();
        await writing.HasItNowhereAsync();
        await away.KeepsItAsync();
        await away.Context.SetOfflineAsync(false);
        await away.HasItNowhereAsync();
        await closed.OpenAgainAsync();
        await closed.HasItNowhereAsync();
        await CanaryHunt.AssertGoneAsync(server, talk);
        Assert.DoesNotContain(talk.Word, await talk.KeptForClientsAsync(), StringComparison.Ordinal);
        if (!Companion.IsWanted)
        {
            await PurgeAsync(server, talk);
        }

        Assert.DoesNotContain(talk.Word, server.Log, StringComparison.Ordinal);
    }

    private static async Task SearchesAsync(CanaryBrowser open, CanaryTalk talk)
    {
        await open.Chat.Page.Keyboard.PressAsync("Control+Shift+F");
        await Assertions.Expect(open.Chat.Page.GetByRole(AriaRole.Region, new() { Name = "Search", Exact = true }).GetByRole(AriaRole.Searchbox)).ToBeFocusedAsync();
        await open.Chat.Page.Keyboard.TypeAsync("canary");
        await open.Chat.Page.Keyboard.PressAsync("Enter");
        await Assertions.Expect(open.Chat.Page.GetByRole(AriaRole.List, new() { Name = "What was found" })).ToContainTextAsync(talk.Word);
    }

    private static async Task OpensAsync(CanaryBrowser open, CanaryTalk talk, string list)
    {
        await open.Chat.Page.GetByRole(AriaRole.Button, new() { NameRegex = new("^" + list) }).ClickAsync();
        await Assertions.Expect(open.Chat.Page.GetByRole(AriaRole.List, new() { Name = list })).ToContainTextAsync(talk.Word);
    }

    private static async Task TakeAsync(IEnumerable<(string Name, Func<Task> TakeAsync)> steps)
    {
        foreach (var (_, take) in steps)
        {
            await take();
        }
    }

    private static async Task PurgeAsync(ServerProcess server, CanaryTalk talk)
    {
        var told = await ProgramRun.ToEndAsync("purge", $"--WebMessenger:DataFolder={server.DataFolder}");
        Assert.Equal((0, ""), (told.ExitCode, told.Error));
        await CanaryHunt.AssertInNoFileAsync(server, talk);
    }
}
