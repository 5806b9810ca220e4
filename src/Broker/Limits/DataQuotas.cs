using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Limits;

/// <summary>
/// What each account may have stored of what it says on data topics, by itself: a sensor that talks much does not silence its owner.
/// </summary>
internal sealed class DataQuotas(BrokerLimits limits, IRecords records, TimeProvider time)
    : StorageQuotas(
        limits with
        {
            StoredBytesPerDayPerAccount = limits.DataStoredBytesPerDayPerAccount,
            StoredBytesPerDayPerGuest = limits.DataStoredBytesPerDayPerGuest,
            StoredBytesPerDayPerAddress = limits.DataStoredBytesPerDayPerAddress,
        },
        records,
        time,
        "dataquota/",
        kind: 8);
