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
}
