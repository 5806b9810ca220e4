using System.Globalization;
using WebMessenger.Load.Generator;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Scenarios;

/// <summary>A room's devices: how they sign in, which is by a token with that room as its mount, as any device does.</summary>
internal static class DeviceRoom
{
    private const string Id = "workshop";

    /// <summary>Of one account, with an access token, and of a room.</summary>
    public static Preparation Preparation { get; } = new(Accounts: 1, Rooms: 1);

    /// <summary>
    /// Makes the room and the token at this project's server. Another one asks nobody who they are, and its room is all of it.
    /// </summary>
    public static async Task<Func<int, Login?>> OpenAsync(ServerUnderTest server, CancellationToken cancellation)
    {
        if (server.Login(0) is not { } owner)
        {
            return server.Login;
        }

        using Browser browser = new(server);
        var cookie = await browser.SignInAsync(owner.UserName, cancellation);
        await browser.NewRoomAsync(cookie, Id, cancellation);
        Login device = new(owner.UserName, await browser.NewDeviceAsync(cookie, Id, cancellation));
        return _ => device;
    }

    /// <summary>Makes for each of these accounts a room and a token whose mount it is.</summary>
    /// <param name="accounts">By their numbers at the server.</param>
    public static async Task<IReadOnlyList<Login>> MountsAsync(ServerUnderTest server, IReadOnlyList<int> accounts, CancellationToken cancellation)
    {
        using Browser browser = new(server);
        List<Login> mounts = [];
        foreach (var account in accounts)
        {
            var (user, room) = (server.Login(account)!.UserName, string.Create(CultureInfo.InvariantCulture, $"{Id}-{account}"));
            var cookie = await browser.SignInAsync(user, cancellation);
            await browser.NewRoomAsync(cookie, room, cancellation);
            mounts.Add(new Login(user, await browser.NewDeviceAsync(cookie, room, cancellation)));
        }

        return mounts;
    }
}
