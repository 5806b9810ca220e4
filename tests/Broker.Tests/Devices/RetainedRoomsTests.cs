using System.Net;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Operator;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Operator.TypedCommand;

namespace WebMessenger.Broker.Tests.Devices;

/// <summary>Retained values in the whole program: with what they stay, with what they go, and what reaches them on disk.</summary>
public sealed class RetainedRoomsTests
{
    private readonly string _canary = Guid.NewGuid().ToString("N");

    [Fact]
    public async Task Values_go_with_their_room_and_a_room_of_the_same_id_shows_none()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Maker.Token);
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("t", _canary));
        var key = broker.Room("yard").Key;
        Assert.Single(broker.Get<IRecords>().ReadAll(RetainedRecord.PrefixOf(key)));

        Assert.Equal(RoomChange.Done, await broker.Get<RoomEndings>().DeleteAsync(broker.Room("yard"), talk.Maker.Account));
        Assert.Empty(broker.Get<IRecords>().ReadAll(RetainedRecord.PrefixOf(key)));
        Assert.Equal("404 no_such_room", await calls.AnswerAsync(HttpMethod.Get, "?topic=t"));
        using (var maker = Calls.As(broker, talk.Maker))
        {
            await maker.MakeRoom("yard");
        }

        Assert.Null(await calls.FindAsync("t"));
        Assert.NotEqual(key, broker.Room("yard").Key);
    }

    [Fact]
    public async Task Fault_R13_Values_of_a_room_whose_end_was_stopped_go_with_the_next_start()
    {
        GatedRecords records = new();
        await using var broker = await RunningBroker.StartAsync(records.Place);
        var talk = await MessageTalk.InYardAsync(broker);
        using (DataCalls calls = new(broker, talk.Maker.Token))
        {
            Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("t", _canary));
        }

        var key = broker.Room("yard").Key;
        records.Fails = true;
        await broker.Get<RoomEndings>().DeleteAsync(broker.Room("yard"), talk.Maker.Account);
        Assert.Single(broker.Get<IRecords>().ReadAll(RetainedRecord.PrefixOf(key)));
        records.Fails = false;
        await broker.RestartAsync();

        Assert.Empty(broker.Get<IRecords>().ReadAll(RetainedRecord.PrefixOf(key)));
    }

    [Fact]
    public async Task Values_stay_when_who_set_them_leaves_or_is_erased()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using (DataCalls mods = new(broker, talk.Mod.Token))
        {
            Assert.Equal(HttpStatusCode.NoContent, await mods.PutAsync("t", "of a moderator"));
        }

        var erased = await broker.Get<AccountChanges>().EraseAsync(talk.Mod.Account, "correct horse battery staple", null);
        Assert.True(erased.TryGet(out _, out _));
        await broker.RestartAsync();

        using DataCalls makers = new(broker, talk.Maker.Token);
        Assert.Equal("of a moderator", await makers.FindAsync("t"));
    }

    [Fact]
    public async Task A_value_of_QoS_0_is_on_disk_soon_and_at_the_latest_when_the_program_ends()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Maker.Token);
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("soon", "1", more: "&qos=0"));
        var prefix = RetainedRecord.PrefixOf(broker.Room("yard").Key);
        using (CancellationTokenSource patience = new(RawMqttClient.Patience))
        {
            using PeriodicTimer again = new(TimeSpan.FromMilliseconds(20));
            while (broker.Get<IRecords>().ReadAll(prefix).Count == 0)
            {
                await again.WaitForNextTickAsync(patience.Token);
            }
        }

        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("last", "2", more: "&qos=0"));
        await broker.RestartAsync();
        Assert.Equal(2, broker.Get<IRecords>().ReadAll(prefix).Count);
    }

    [Fact]
    public async Task Attack_75_A_backup_has_the_values_and_restore_brings_them_back()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Maker.Token);
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("t", _canary));
        var prefix = RetainedRecord.PrefixOf(broker.Room("yard").Key);
        using TempFolder folder = new();

        await DoneAsync(broker, "backup", folder.In("backup"));
        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("t", "after the backup"));
        await DoneAsync(folder.In("restored"), "restore", folder.In("backup"));

        await using var log = RocksEventLog.Open(
            DataFolder.RoomsFolderIn(folder.In("restored")), null, TimeProvider.System, NullLogger<RocksEventLog>.Instance);
        var (_, record) = Assert.Single(log.ReadAll(prefix));
        Assert.Equal(_canary, Encoding.UTF8.GetString(RetainedRecord.Read("t", record).Payload.Span));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_overwritten_or_cleared_is_in_no_file_once_it_is_purged_and_what_stands_is(bool isRunning)
    {
        await using var broker = await RunningBroker.StartAsync();
        await SayAsync(broker);
        Assert.NotEmpty(PurgeTests.FilesWith(broker, _canary + "old"));
        var data = broker.Program.DataFolder;
        if (!isRunning)
        {
            await broker.Program.DisposeAsync();
        }

        await DoneAsync(data, "purge");

        Assert.Empty(PurgeTests.FilesWith(broker, _canary + "old"));
        await broker.RestartAsync();
        Assert.Contains(
            broker.Get<IRecords>().ReadAll("v/"u8), record => Encoding.UTF8.GetString(record.Value).Contains(_canary + "new", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_was_overwritten_or_cleared_leaves_the_files_daily_and_nothing_else_is_written_anew_for_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var purge = broker.Get<PurgeService>();
        var talk = await SayAsync(broker);
        await purge.DoAsync();
        using (DataCalls calls = new(broker, talk.Maker.Token))
        {
            await calls.PutAsync("fresh", _canary + "new");
            Assert.Equal(PurgeWork.None, purge.FindWork(CancellationToken.None));
            await calls.PutAsync("fresh", _canary + "old");
            await calls.PutAsync("fresh", "1");
            await calls.PutAsync("fresh too", _canary + "old");
            await calls.DeleteAsync("fresh too");
        }

        Assert.Equal(PurgeWork.Values, purge.FindWork(CancellationToken.None));
        Assert.NotEmpty(PurgeTests.FilesWith(broker, _canary + "old"));
        Assert.Null((await purge.DoAsync(PurgeWork.Values))!.Failure);

        Assert.Empty(PurgeTests.FilesWith(broker, _canary + "old"));
        Assert.Equal(PurgeWork.None, purge.FindWork(CancellationToken.None));
    }

    // Values that were overwritten and cleared, and one that stands.
    private async Task<MessageTalk> SayAsync(RunningBroker broker)
    {
        var talk = await MessageTalk.InYardAsync(broker);
        using DataCalls calls = new(broker, talk.Maker.Token);
        foreach (var (topic, payload) in new[] { ("over", "old"), ("clear", "old"), ("stands", "new") })
        {
            Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync(topic, _canary + payload));
        }

        Assert.Equal(HttpStatusCode.NoContent, await calls.PutAsync("over", "short"));
        Assert.Equal(HttpStatusCode.NoContent, await calls.DeleteAsync("clear"));
        return talk;
    }
}
