using System.Text.Json;
using Microsoft.Playwright;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>One finger on a phone's screen, which Playwright can only tap with.</summary>
internal sealed class Finger : IAsyncDisposable
{
    private readonly ICDPSession _screen;
    private readonly double _x;
    private readonly double _y;

    private Finger(ICDPSession screen, double x, double y) => (_screen, _x, _y) = (screen, x, y);

    /// <summary>Over the words of a message.</summary>
    public static async Task<Finger> OnAsync(ChatPage chat, string text)
    {
        var box = await chat.Message(text).Locator(".bubble").BoundingBoxAsync() ?? throw new InvalidOperationException("The message is not in sight.");
        var screen = await chat.Page.Context.NewCDPSessionAsync(chat.Page);
        return new Finger(screen, box.X + (box.Width / 2), box.Y + (box.Height / 2));
    }

    public Task DownAsync() => SendAsync("touchStart", 0);

    /// <summary>CSS pixels to the right of where it was put down.</summary>
    public Task MoveAsync(double right) => SendAsync("touchMove", right);

    public Task UpAsync() => _screen.SendAsync("Input.dispatchTouchEvent", new() { ["type"] = "touchEnd", ["touchPoints"] = Array.Empty<object>() });

    public async ValueTask DisposeAsync() => await _screen.DetachAsync();

    private Task<JsonElement?> SendAsync(string type, double right) => _screen.SendAsync(
        "Input.dispatchTouchEvent",
        new() { ["type"] = type, ["touchPoints"] = new[] { new Dictionary<string, object> { ["x"] = _x + right, ["y"] = _y } } });
}
