using System.Net;

namespace WebMessenger.Auth.Limits;

/// <summary>
/// How often those who are not signed in look where an invite link leads: as often as signing in, and beside it, so that who tries links
/// keeps nobody from that.
/// </summary>
/// <remarks>Thread-safe.</remarks>
public sealed class InviteTries
{
    private readonly AddressBuckets _looks;

    internal InviteTries(AuthOptions options, TimeProvider time) =>
        _looks = new AddressBuckets(options.SignInsPerMinutePerAddress, TimeSpan.FromMinutes(1), time);

    /// <summary>Null: allowed, and counted. Else how long until there is one.</summary>
    public TimeSpan? Take(IPAddress? address) => /* guard: invite links are looked at so often */ _looks.Take(address);
}
