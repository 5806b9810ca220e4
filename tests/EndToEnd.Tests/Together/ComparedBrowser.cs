using Microsoft.Playwright;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Together;

/// <summary>One browser of one person with one page, which is in a room, or in the conversation with another.</summary>
internal sealed class ComparedBrowser : IAsyncDisposable
{
    private readonly Visitor _visitor;
    private readonly Person _me;
    private readonly Person _other;
    private IPage? _page;
    private string _room = "";
    private bool? _isTalk;

    private ComparedBrowser(string name, Visitor visitor, Person me, Person other) => (Name, _visitor, _me, _other) = (name, visitor, me, other);

    public string Name { get; }

    public bool IsOpen => _page is not null;

    public bool IsOffline { get; private set; }

    /// <summary>What it said that has to be in a log once.</summary>
    public int Said { get; private set; }

    private IPage Page => _page ?? throw new InvalidOperationException($"{Name} is closed.");

    public static async Task<ComparedBrowser> OfAsync(Chromium chromium, ServerProcess server, string name, Person me, Person other, bool phone)
    {
        var visitor = await chromium.VisitorAsync(server, phone: phone, withServiceWorker: true);
        await visitor.BeAsync(me);
        return new ComparedBrowser(name, visitor, me, other);
    }

    /// <summary>Begins anew in a room and in the conversation, so that both are kept here.</summary>
    public async Task EnterAsync(string room)
    {
        _room = room;
        _isTalk = null;
        if (_page is null)
        {
            await OpenAsync();
            await Page.EvaluateAsync(PageHands.WorkerIsReady);
        }

        await GoAsync(isTalk: true);
        await GoAsync(isTalk: false);
    }

    /// <summary>Starts the browser's page in the room, from its copies where there is no server.</summary>
    public async Task OpenAsync()
    {
        _isTalk = null;
        _page = await _visitor.OpenAsync($"/rooms/{_room}");
        await GoAsync(isTalk: false);
    }

    public async Task CloseAsync()
    {
        await Page.CloseAsync();
        _page = null;
    }

    public async Task SetOfflineAsync(bool isOffline)
    {
        await _visitor.Context.SetOfflineAsync(isOffline);
        IsOffline = isOffline;
    }

    /// <summary>Tries to connect at once, and not when its pause is over.</summary>
    public async Task HurryAsync()
    {
        if (IsOpen && !IsOffline)
        {
            await Page.EvaluateAsync("() => dispatchEvent(new Event('online'))");
        }
    }

    public async Task GoAsync(bool isTalk)
    {
        if (_isTalk == isTalk)
        {
            return;
        }

        string[] where = isTalk ? [$"/talk/{_other.UserName}", _other.UserName] : [$"/rooms/{_room}", _room];
        Assert.True(await Page.EvaluateAsync<bool>(PageHands.Go, where), $"{Name} did not get to {where[0]}.");
        _isTalk = isTalk;
    }

    public async Task<IReadOnlyList<DrawnLine>> DrawnAsync() => await Page.EvaluateAsync<DrawnLine[]>(PageHands.Drawn);

    /// <summary>Does something in the page; null: done.</summary>
    public async Task<string?> ActAsync(string act, long seq = 0, string text = "", int which = 0)
    {
        var answer = await Page.EvaluateAsync<string>(PageHands.Act, new { act, seq, text, which });
        Said += answer == "done" && act is "say" or "reply" ? 1 : 0;
        return answer == "done" ? null : answer;
    }

    public async Task<IReadOnlyList<ShownLine>> LinesAsync(bool isTalk, long after)
    {
        await GoAsync(isTalk);
        var lines = await Page.EvaluateAsync<SeenLine[]>(PageHands.Lines, new object[] { after, _me.DisplayName });
        return [.. lines.Select(line => new ShownLine(line.Seq, line.Author, line.Text, line.Edited, line.Reactions, line.Quote, line.Pinned))];
    }

    public Task<OutboxCount> OutboxAsync() => Page.EvaluateAsync<OutboxCount>(PageHands.Outbox);

    /// <summary>A page that hangs is found out for another two minutes.</summary>
    public void GoOn() => _visitor.MayTake(TimeSpan.FromMinutes(2));

    public void AssertNoComplaints() => _visitor.AssertNoComplaints();

    public ValueTask DisposeAsync() => _visitor.DisposeAsync();

    internal sealed class DrawnLine
    {
        public long Seq { get; set; }

        public bool Own { get; set; }

        public bool Dice { get; set; }
    }

    internal sealed class OutboxCount
    {
        public int Waiting { get; set; }

        public int Refused { get; set; }
    }

    // Playwright fills properties, not constructors.
    private sealed class SeenLine
    {
        public long Seq { get; set; }

        public string Author { get; set; } = "";

        public string Text { get; set; } = "";

        public bool Edited { get; set; }

        public string Reactions { get; set; } = "";

        public string Quote { get; set; } = "";

        public bool Pinned { get; set; }
    }
}
