using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>The logs that are an account's own: its inbox, and its notices.</summary>
internal sealed class AccountLogs(IEventLog log) : IAccountRecords
{
    public async Task ForgetAsync(string accountId)
    {
        await log.DropAsync(LogName.OfAccount(accountId));
        await log.DropAsync(LogName.OfNotices(accountId));
    }
}
