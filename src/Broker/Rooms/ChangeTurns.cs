using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rooms;

/// <summary>Whose turn it is to change what an account is in, and which rooms there are.</summary>
/// <remarks>
/// <para>Whoever comes into a room or leaves it waits for what was begun for his own account, then for who changes the room itself
/// (<see cref="Room.Turns"/>), and for nobody else: all who come at once share a sync (fault R9).</para>
/// <para>Taken in this order: an account's turn, that of all rooms, a room's turn.
/// Rights are looked at again in the turn, for what a caller saw before may have changed while it waited.</para>
/// In a cluster each of them is one of all nodes. Thread-safe.
/// </remarks>
internal sealed class ChangeTurns(ITurns? nodeTurns = null)
{
    private readonly AccountTurns _accounts = AccountTurns.Of(nodeTurns, "account/");
    private readonly Turns _rooms = Turns.Of(nodeTurns, "rooms");

    /// <summary>For what an account is in. Completes when what was begun for it before is done. Dispose of it when done.</summary>
    public Task<IDisposable> OfAccountAsync(string accountId) => _accounts.EnterAsync(accountId);

    /// <summary>For which rooms there are, and for invitations: one at a time. Dispose of it when done.</summary>
    public Task<IDisposable> OfRoomsAsync() => _rooms.BeAloneAsync();
}
