using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Limits;

/// <summary>Pays for what a client says, on the log thread: out of its account's day, and only where the disk has room.</summary>
internal readonly record struct StoragePayer(StorageQuota Quota, DiskSpace Space)
{
    /// <summary>Takes what storing a publish costs, in bytes. Null: it may be stored.</summary>
    public PublishRefusal? Pay(int bytes) => (/* guard: a disk that is nearly full, over MQTT */ Space.IsLow) ? PublishRefusal.NoRoom
        : (/* guard: what an account stores in a day */ Quota.TryTake(bytes, out var wait)) ? null
        : PublishRefusal.OverQuota(wait);

    /// <summary>What was paid for and could not be stored.</summary>
    public void GiveBack(int bytes) => Quota.GiveBack(bytes);
}
