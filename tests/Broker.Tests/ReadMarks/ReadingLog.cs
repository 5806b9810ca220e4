using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>A real store with one room in it, and nothing of the rest of the program.</summary>
internal sealed class ReadingLog : IAsyncDisposable
{
    private readonly TempFolder _folder = new();
    private readonly string _data;

    /// <param name="data">Where to keep the store; null: in a folder of its own.</param>
    public ReadingLog(string? data = null)
    {
        _data = data ?? _folder.In("rooms");
        Open();
    }

    public RocksEventLog Log { get; private set; } = null!;

    public Room Room { get; private set; } = null!;

    public static Account Account(string id, AccountKind kind = AccountKind.Person) => new(id, kind, DateTimeOffset.UnixEpoch, new Profile(id, id, null, false));

    public async Task RestartAsync()
    {
        await Log.DisposeAsync();
        Open();
    }

    public async Task<AppendResult> SayAsync(string author, EventType type = EventType.Message, LogName? log = null, string kind = "person")
    {
        Author from = new(author, author, author, kind);
        var body = type is EventType.Message or EventType.Whisper ? EventBody.Message(type, from, EventBody.NewId(), "hello", null) : EventBody.Presence(type, from, EventBody.NewId(), []);
        var result = await Log.AppendAsync(log ?? Room.Log, author, null, default, body);
        Assert.Equal(AppendOutcome.Stored, result.Outcome);
        return result;
    }

    public Task SayAsync(IEnumerable<(string Author, EventType Type)> events) => Task.WhenAll(events.Select(said => SayAsync(said.Author, said.Type)));

    /// <summary>The account comes onto the room's list.</summary>
    public void Join(string accountId) => Room.AddMember(accountId, new Membership(MembershipRecord.Begin(MemberRole.Member, DateTimeOffset.UnixEpoch), isStored: true));

    public async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        _folder.Dispose();
    }

    private void Open()
    {
        Log = RocksEventLog.Open(_data, new RocksEventLogOptions { MemtableBytes = 64 << 10, WalBytes = 1 << 20 }, TimeProvider.System, new LogLines());
        Assert.True(RoomId.TryParse("lobby", out var id));
        BrokerLimits limits = new() { FreeDiskMegabytes = 0 };
        RoomRecord record = new(id.Value, id, "Lobby", "", new PolicyFields(), null, DateTimeOffset.UnixEpoch);
        StorageQuotas quotas = new(limits, Log, TimeProvider.System);
        Room = new Room(record, Log, quotas, new DiskSpace(() => default, limits), TimeProvider.System);
    }
}
