using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Cluster.Tests.Postgres;

public sealed class PgLogStatesTests : LogHeadsContract, IAsyncLifetime
{
    private TestLog _database = null!;

    public async ValueTask InitializeAsync() => _database = await TestLog.CreateAsync();

    public ValueTask DisposeAsync() => default;

    private protected override (IEventLog Log, Func<int> HeadsInMemory) Open(int inMemory)
    {
        var log = _database.Open(options: new() { LogsInMemory = inMemory });
        return (log, () => log.HeadsInMemory);
    }
}
