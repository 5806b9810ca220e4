using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Retained values on a store of their own, without a program, by a clock that the test sets.</summary>
internal sealed class RetainedDisk : IAsyncDisposable
{
    public const string Room = "r0123456789abcdef";

    private readonly TempFolder _folder = new();
    private RocksEventLog _log = null!;
    private long _freeBytes = long.MaxValue / 2;

    public RetainedDisk(BrokerLimits? limits = null)
    {
        Limits = limits ?? new BrokerLimits();
        Open();
    }

    /// <summary>As from the next start on.</summary>
    public BrokerLimits Limits { get; set; }

    public FakeTimeProvider Time { get; } = new(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));

    public GatedRecords Records { get; private set; } = null!;

    public RetainedRooms Rooms { get; private set; } = null!;

    public RetainedValues Values => Rooms.Of(Room);

    public DiskSpace Space { get; private set; } = null!;

    public IEventLog Log => _log;

    public static DataMessage Message(string topic, string payload, byte qos = 1, DateTimeOffset? expires = null) => new()
    {
        Topic = topic, Payload = Encoding.UTF8.GetBytes(payload), QualityOfService = qos, Retain = true, ExpiresAt = expires,
    };

    /// <summary>The program ends without a word, and starts again.</summary>
    public async Task RestartAsync()
    {
        await _log.DisposeAsync();
        Open();
    }

    public async Task<RetainedOutcome> SetAsync(string topic, string payload, byte qos = 1, DateTimeOffset? expires = null) =>
        await Values.SetAsync(Message(topic, payload, qos, expires)).AsTask().WaitAsync(TimeSpan.FromSeconds(60));

    /// <summary>The same, of what is known when the call returns.</summary>
    public RetainedOutcome SetAtOnce(string topic, string payload, byte qos = 1)
    {
        var outcome = Values.SetAsync(Message(topic, payload, qos)).AsTask();
        Assert.True(outcome.IsCompletedSuccessfully);
        return outcome.Result;
    }

    /// <summary>What memory has, as `topic=payload`.</summary>
    public async Task<List<string>> ShownAsync(string filter = "#", string room = Room)
    {
        Assert.True(await Rooms.Of(room).OpenAsync());
        Assert.True(DataFilter.TryParse(filter, false, out var parsed));
        return [.. Rooms.Of(room).Match(parsed).Select(one => $"{one.Topic}={Encoding.UTF8.GetString(one.Payload.Span)}").Order(StringComparer.Ordinal)];
    }

    /// <summary>What the disk has, the same.</summary>
    public List<string> Stored(string room = Room) =>
    [
        .. _log.ReadAll(RetainedRecord.PrefixOf(room)).Select(one =>
            $"{Encoding.UTF8.GetString(one.Key)[(RetainedRecord.PrefixOf(room).Length)..]}="
            + Encoding.UTF8.GetString(RetainedRecord.Read("", one.Value).Payload.Span)),
    ];

    public void FillDisk()
    {
        _freeBytes = 0;
        Space.Look();
    }

    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        _folder.Dispose();
    }

    private void Open()
    {
        _log = RocksEventLog.Open(_folder.In("rooms"), null, TimeProvider.System, NullLogger<RocksEventLog>.Instance);
        ServiceCollection services = new();
        services.AddSingleton<IRecords>(_log);
        Records = new GatedRecords();
        Records.Place(services);
        Space = new DiskSpace(() => new DiskRoom(_freeBytes, long.MaxValue / 2), Limits);
        Rooms = new RetainedRooms(Records, Limits, Space, Time, NullLogger<RetainedRooms>.Instance);
    }
}
