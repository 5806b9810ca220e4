using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Cluster.Tests.Postgres;

public sealed class PgEventLogLifeTests : EventLogLifeContract
{
    private TestLog _database = null!;

    public override async ValueTask InitializeAsync()
    {
        _database = await TestLog.CreateAsync();
        await base.InitializeAsync();
    }

    private protected override IEventLog Open() => _database.Open(Time);
}
