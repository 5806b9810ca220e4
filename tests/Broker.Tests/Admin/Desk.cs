using System.Net;
using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;

namespace WebMessenger.Broker.Tests.Admin;

/// <summary>A server with an administrator at his page, and two people.</summary>
internal sealed class Desk : IAsyncDisposable
{
    /// <summary>Of everybody here.</summary>
    public const string Password = "correct horse battery staple";

    private Desk(RunningBroker broker, Member admin, Member ana, Member bob, Calls page) =>
        (Broker, Admin, Ana, Bob, Page) = (broker, admin, ana, bob, page);

    public RunningBroker Broker { get; }

    public Member Admin { get; }

    public Member Ana { get; }

    public Member Bob { get; }

    /// <summary>The administrator's.</summary>
    public Calls Page { get; private set; }

    public static async Task<Desk> OpenAsync(Action<IServiceCollection>? configure = null, params string[] settings)
    {
        var broker = await RunningBroker.StartAsync(configure, settings);
        var admin = await broker.RegisterAsync("admina", "Ádmina");
        var (ana, bob) = (await broker.RegisterAsync("ana", "Ána Lovelace"), await broker.RegisterAsync("bob"));
        return new Desk(broker, admin, ana, bob, await PageOfAsync(broker, admin));
    }

    public static async Task<Calls> PageOfAsync(RunningBroker broker, Member member) => Calls.OfPage(broker, await broker.SignInAsync(member.Account));

    public async Task RestartAsync()
    {
        Page.Dispose();
        await Broker.RestartAsync();
        Page = Calls.OfPage(Broker, await Broker.SignInAsync(Broker.Get<WebMessenger.Auth.Accounts.AccountDirectory>().FindByUserName("admina")!));
    }

    public async Task<Calls> GuestAsync(string nickname)
    {
        var entered = await Broker.Get<Registration>().EnterAsGuestAsync(nickname, IPAddress.Loopback);
        Assert.True(entered.TryGet(out var guest, out _));
        return Calls.OfPage(Broker, await Broker.SignInAsync(guest));
    }

    public Task<JsonElement> ProveAsync() => Page.Expect(HttpStatusCode.NoContent, HttpMethod.Post, "/api/admin/proof", new { password = Password });

    /// <summary>The acts of what was done, the newest first.</summary>
    public async Task<string[]> ActsAsync() =>
        [.. (await Page.Get("/api/admin/audit")).GetProperty("entries").EnumerateArray().Select(one => one.GetProperty("act").GetString()!)];

    public async ValueTask DisposeAsync()
    {
        Page.Dispose();
        await Broker.DisposeAsync();
    }

    public static string Code(JsonElement problem) => problem.GetProperty("code").GetString()!;
}
