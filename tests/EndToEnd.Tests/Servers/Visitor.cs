using System.Collections.Concurrent;
using System.Text;
using Microsoft.Playwright;

namespace WebMessenger.EndToEnd.Tests.Servers;

/// <summary>
/// One browser profile; each of its pages is a tab. What the browser complains of, and what its sockets hear, is gathered.
/// </summary>
internal sealed class Visitor : IAsyncDisposable
{
    private readonly ConcurrentQueue<string> _complaints = new();
    private readonly ConcurrentQueue<string> _heard = new();
    private readonly ConcurrentQueue<Task> _sockets = new();
    private readonly ConcurrentQueue<string> _said = new();
    private readonly TaskCompletionSource _complained = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private readonly CancellationTokenSource _hung = new(TimeSpan.FromMinutes(2));

    private Visitor(IBrowserContext context)
    {
        Context = context;

        // A page whose script never ends answers nothing, and Playwright's own timeouts wait for its answer:
        // whatever waits fails when the browser closes it.
        _hung.Token.Register(() => _ = context.CloseAsync(new() { Reason = "The test took more than two minutes: a page hangs." }));
    }

    public IBrowserContext Context { get; }

    /// <summary>Every frame that came by them, as text.</summary>
    public IReadOnlyCollection<string> Heard => _heard;

    /// <summary>Every frame that went by them, as text.</summary>
    public IReadOnlyCollection<string> Said => _said;

    public static async Task<Visitor> OfAsync(IBrowserContext context)
    {
        Visitor visitor = new(context);
        await context.ExposeFunctionAsync("cspViolated", (string what) => visitor.Complain(what));
        await context.AddInitScriptAsync(
            "addEventListener('securitypolicyviolation', e => cspViolated(`CSP ${e.violatedDirective} refused ${e.blockedURI} on ${location.pathname}`))");
        context.WebError += (_, error) => visitor.Complain($"uncaught: {error.Error}");
        context.Page += (_, page) => page.WebSocket += (_, socket) => visitor.Follow(socket);
        return visitor;
    }

    /// <summary>Signs the browser in as somebody, as if they had done it here before.</summary>
    public Task BeAsync(Person person)
    {
        var (name, value) = person.Cookie.Split('=', 2) is [var left, var right] ? (left, right) : throw new InvalidOperationException("no cookie");
        return Context.AddCookiesAsync([new() { Name = name, Value = value, Url = person.Http.BaseAddress!.ToString(), HttpOnly = true, SameSite = SameSiteAttribute.Strict }]);
    }

    public async Task<IPage> OpenAsync(string path = "/")
    {
        var page = await Context.NewPageAsync();
        await page.GotoAsync(path);
        return page;
    }

    /// <summary>No rule of the content security policy was broken and no script failed, on any page so far.</summary>
    public void AssertNoComplaints() => Assert.Empty(_complaints);

    /// <summary>
    /// Completes when every WebSocket that any tab has opened is closed: then all that came by them is in <see cref="Heard"/>.
    /// </summary>
    public Task SocketsClosedAsync() => Task.WhenAll(_sockets).WaitAsync(RawMqttClient.Patience);

    /// <summary>Something happened that must not.</summary>
    public void Complain(string what)
    {
        _complaints.Enqueue(what);
        _complained.TrySetResult();
    }

    /// <summary>Completes when the browser has complained.</summary>
    public Task ComplainedAsync() => _complained.Task.WaitAsync(RawMqttClient.Patience);

    /// <summary>A long test says that it goes on: a page that hangs from here on is closed when this time is over.</summary>
    public void MayTake(TimeSpan time) => _hung.CancelAfter(time);

    public async ValueTask DisposeAsync()
    {
        _hung.Dispose();
        await Context.CloseAsync();
    }

    private void Follow(IWebSocket socket)
    {
        TaskCompletionSource closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
        socket.Close += (_, _) => closed.TrySetResult();
        _sockets.Enqueue(closed.Task);
        socket.FrameSent += (_, frame) => _said.Enqueue(frame.Text ?? Encoding.UTF8.GetString(frame.Binary ?? []));
        socket.FrameReceived += (_, frame) => _heard.Enqueue(frame.Text ?? Encoding.UTF8.GetString(frame.Binary ?? []));
    }
}
