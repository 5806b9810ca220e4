namespace WebMessenger.Auth.Limits;

/// <summary>Buckets by account or login of which other nodes are told, and which hear what was taken there.</summary>
/// <param name="isShared">There are other nodes.</param>
internal sealed class SharedBuckets(byte kind, Buckets<string> buckets, bool isShared) : ISharedUse
{
    private readonly UntoldUses? _untold = isShared ? new() : null;

    public byte Kind { get; } = kind;

    public IReadOnlyList<KeyValuePair<string, long>> Untold => _untold?.All ?? [];

    public TimeSpan? Wait(string key) => buckets.Wait(key);

    /// <summary>Null: allowed, and counted.</summary>
    public TimeSpan? Take(string key)
    {
        var wait = buckets.Take(key);
        if (wait is null)
        {
            _untold?.Add(key, 1);
        }

        return wait;
    }

    public void Give(string key)
    {
        buckets.Give(key);
        _untold?.Add(key, -1);
    }

    public void Told(string key, long count) => _untold?.Add(key, -count);

    public void UsedElsewhere(string key, long count) => buckets.TakeAnyway(key, count);
}
