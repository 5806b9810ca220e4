using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Browser;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Canary;

/// <summary>A browser that has seen the canary in the room and in the conversation, and what of it is kept or shown there.</summary>
internal sealed class CanaryBrowser : IAsyncDisposable
{
    /// <summary>
    /// All that stands in the page, in its fields and in everything that the browser keeps for it; code and what was typed to search
    /// are not meant.
    /// </summary>
    private const string Everything = """
        async () => {
            const kept = [
                document.title, document.documentElement.outerHTML, location.href,
                ...[...document.querySelectorAll('textarea, input:not([type=search])')].map((field) => field.value),
                JSON.stringify({ ...localStorage }), JSON.stringify({ ...sessionStorage }),
            ];
            for (const name of await caches.keys()) {
                const cache = await caches.open(name);
                for (const request of await cache.keys()) {
                    if (!request.url.includes('/assets/')) kept.push(request.url, await (await cache.match(request)).text());
                }
            }
            for (const { name } of await indexedDB.databases()) {
                const opening = indexedDB.open(name);
                await new Promise((done, failed) => Object.assign(opening, { onsuccess: done, onerror: failed }));
                const database = opening.result;
                for (const store of database.objectStoreNames) {
                    const all = database.transaction(store).objectStore(store).getAll();
                    kept.push(`${store}: ${JSON.stringify(await new Promise((done) => (all.onsuccess = () => done(all.result))))}`);
                }
                database.close();
            }
            return kept.join('\n');
        }
        """;

    private readonly Visitor _visitor;
    private readonly CanaryTalk _talk;
    private readonly Person _other;

    private CanaryBrowser(Visitor visitor, ChatPage chat, CanaryTalk talk, Person other) => (_visitor, Chat, _talk, _other) = (visitor, chat, talk, other);

    public ChatPage Chat { get; private set; }

    public IBrowserContext Context => _visitor.Context;

    public static async Task<CanaryBrowser> OfAsync(Chromium chromium, ServerProcess server, CanaryTalk talk, Person me, Person other)
    {
        var visitor = await chromium.VisitorAsync(server, withServiceWorker: true);
        await visitor.BeAsync(me);
        CanaryBrowser browser = new(visitor, await ChatPage.OpenAsync(visitor, talk.Room), talk, other);
        await browser.SeesItEverywhereAsync();
        return browser;
    }

    /// <summary>Closes the page; the browser's profile stays.</summary>
    public Task CloseAsync() => Chat.Page.CloseAsync();

    public async Task OpenAgainAsync() => Chat = await ChatPage.OpenAsync(_visitor, _talk.Room);

    /// <summary>Waits until it stands in what the browser keeps: the page writes its copy a moment after.</summary>
    public Task KeepsItAsync() => UntilAsync(kept => kept.Split('\n').Any(part => part.StartsWith("copies", StringComparison.Ordinal) && Has(part)));

    /// <summary>Waits until it is nowhere; says where it still is.</summary>
    public Task HasItNowhereAsync() => UntilAsync(kept => !Has(kept));

    public async ValueTask DisposeAsync()
    {
        _visitor.AssertNoComplaints();
        await _visitor.DisposeAsync();
    }

    private async Task SeesItEverywhereAsync()
    {
        await Assertions.Expect(Chat.Messages.GetByText(_talk.Word + "2").First).ToBeVisibleAsync();
        await Chat.Page.GotoAsync($"/talk/{_other.UserName}");
        await Assertions.Expect(Chat.Messages.GetByText(_talk.Word + "5").First).ToBeVisibleAsync();
        await Chat.Page.GotoAsync($"/rooms/{_talk.Room}");
        await Assertions.Expect(Chat.Messages.GetByText(_talk.Word + "2").First).ToBeVisibleAsync();
        await KeepsItAsync();
    }

    private bool Has(string what) => what.Contains(_talk.Word, StringComparison.Ordinal);

    private async Task UntilAsync(Func<string, bool> isSo)
    {
        var began = TimeProvider.System.GetTimestamp();
        string kept;
        while (!isSo(kept = await Chat.Page.EvaluateAsync<string>(Everything)))
        {
            Assert.True(
                TimeProvider.System.GetElapsedTime(began) < RawMqttClient.Patience,
                string.Join(Environment.NewLine, kept.Split('\n').Where(Has).Select(part => Around(part))));
        }
    }

    private string Around(string part)
    {
        var at = part.IndexOf(_talk.Word, StringComparison.Ordinal);
        return $"{part[..Math.Min(40, part.Length)]} … {part[Math.Max(0, at - 300)..Math.Min(part.Length, at + 200)]}";
    }
}
