namespace WebMessenger.Broker.Rooms;

/// <summary>One stay of an account on a room's list: it ends when the account is taken off, and who comes again has another.</summary>
/// <remarks>
/// What somebody says carries the stay that it is said in, and the log thread asks for it as it numbers: so nothing has a number above the event that put its author
/// out, however it was on its way.
/// </remarks>
internal sealed class Membership
{
    private volatile bool _hasEnded;

    public bool HasEnded => _hasEnded;

    public void End() => _hasEnded = true;
}
