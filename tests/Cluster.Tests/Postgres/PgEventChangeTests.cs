using WebMessenger.Cluster.Postgres;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Cluster.Tests.Postgres;

public sealed class PgEventChangeTests : EventChangeContract
{
    private TestLog _database = null!;

    public override async ValueTask InitializeAsync()
    {
        _database = await TestLog.CreateAsync();
        await base.InitializeAsync();
    }

    private protected override (IEventLog Log, IRecords Records, IJournal Journal) Open()
    {
        var log = _database.Open(Time);
        return (log, log, log);
    }

    private protected override Task SweepAsync() => ((PgEventLog)Log).SweepAsync();
}
