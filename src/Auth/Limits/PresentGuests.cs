namespace WebMessenger.Auth.Limits;

/// <summary>
/// Which guests are here: on the other nodes, too, a nickname is free two minutes after its guest has gone from all of them.
/// </summary>
/// <param name="isPresent">One of these is connected to another node.</param>
/// <param name="isShared">There are other nodes.</param>
internal sealed class PresentGuests(Action<string> isPresent, bool isShared) : ISharedUse
{
    private readonly UntoldUses? _untold = isShared ? new() : null;

    public byte Kind => 6;

    public IReadOnlyList<KeyValuePair<string, long>> Untold => _untold?.All ?? [];

    /// <summary>One of its clients is connected, or was a moment ago.</summary>
    public void Note(string accountId) => _untold?.Add(accountId, 1);

    public void Told(string key, long count) => _untold?.Add(key, -count);

    public void UsedElsewhere(string key, long count) => isPresent(key);
}
