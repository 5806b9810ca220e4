using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Search;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.MqttSessions;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Operator.TypedCommand;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>`purge`: what was deleted is in no file any more.</summary>
public sealed class PurgeTests
{
    // Said nowhere else, and nothing that a file's compression could take for a repetition.
    private readonly string _canary = Guid.NewGuid().ToString("N");

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_said_answered_edited_named_and_kept_for_who_is_away_is_in_no_file_once_it_is_deleted_and_purged(bool isRunning)
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        await KeptClients.LeaveBehindAsync(broker, talk.Caio, MqttVersion.V5, MessageTalk.Topic, "away");
        var said = await talk.SayAsync(talk.Bea, $"@caio {_canary}1");
        await using var mod = await broker.ConnectAsync(talk.Mod);
        Assert.True((await mod.PublishAsync(MessageTalk.Topic, $$"""{"type":"message","text":"yes","replyTo":{{said}}}""")).Accepted);
        Assert.True((await mod.PublishAsync(MessageTalk.Topic, $$"""{"type":"reaction","of":{{said}},"emoji":"👍","on":true}""")).Accepted);
        await talk.EditAsync(talk.Bea, said, $"{_canary}2 @caio");
        var whispered = await mod.PublishAsync("users/bea", _canary + "3");
        Assert.True(whispered.Accepted);
        Assert.NotEmpty(FilesWith(broker, _canary));

        Assert.Null((await talk.DeleteAsync(talk.Bea, said)).Refusal);
        Assert.True((await mod.PublishAsync("users/bea", $$"""{"type":"delete","of":{{whispered.Seq}}}""")).Accepted);
        Assert.NotEmpty(FilesWith(broker, _canary));
        var data = broker.Program.DataFolder;
        if (!isRunning)
        {
            await broker.Program.DisposeAsync();
        }

        var told = await DoneAsync(data, "purge");

        Assert.Contains("backups made before", told, StringComparison.Ordinal);
        Assert.Equal(isRunning, !told.Contains("No server is running", StringComparison.Ordinal));
        Assert.Empty(FilesWith(broker, _canary));
        if (isRunning)
        {
            Assert.Empty(broker.Get<IRecords>().ReadAll(ReactionKey.Prefix));
        }
        else
        {
            await using var store = RocksEventLog.Open(
                DataFolder.RoomsFolderIn(data), null, TimeProvider.System, NullLogger<RocksEventLog>.Instance);
            Assert.Empty(store.ReadAll(ReactionKey.Prefix));
        }

        await broker.RestartAsync();
        var removed = await talk.EventAsync(said);
        Assert.Equal("removed", removed.Type());
        Assert.Empty(FilesWith(broker, _canary));
    }

    [Fact]
    public async Task What_is_out_of_reach_is_named()
    {
        await using var broker = await RunningBroker.StartAsync();
        var aside = Directory.CreateDirectory(Path.Combine(broker.Program.DataFolder, "rooms.damaged-20260101T000000Z")).FullName;

        Assert.Contains(aside, await DoneAsync(broker, "purge"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task While_the_search_index_is_behind_it_is_said_that_words_may_still_be_in_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await MessageTalk.InYardAsync(broker);
        Assert.Null((await talk.DeleteAsync(talk.Bea, await talk.SayAsync(talk.Bea, _canary))).Refusal);
        var (journal, reach) = (broker.Get<IJournal>(), broker.Get<SearchReach>());
        var (times, isBehind) = (0, true);
        PurgeService purge = new(
            () => Task.FromResult(++times), () => Task.CompletedTask, async place => await reach.HasReachedAsync(place) && !isBehind, journal, broker.Get<IRecords>());

        Assert.Contains("search index", (await purge.DoAsync())!.Failure!, StringComparison.Ordinal);
        Assert.Equal((1, true), (times, purge.HasWork(CancellationToken.None)));
        isBehind = false;
        Assert.Null((await purge.DoAsync())!.Failure);
        Assert.Equal((2, false), (times, purge.HasWork(CancellationToken.None)));
    }

    [Fact]
    public async Task It_is_waited_for_the_search_index_as_long_as_patience_lasts()
    {
        await using var broker = await RunningBroker.StartAsync();
        FakeTimeProvider time = new();
        SearchReach reach = new(broker.Get<SearchFollower>(), broker.Get<IRecords>(), time);
        var end = broker.Get<IJournal>().ReadJournal(null, 1).Next;
        Assert.True(await broker.Get<SearchReach>().HasReachedAsync(end));

        var waiting = reach.HasReachedAsync(end with { Number = end.Number + 1_000_000 });
        for (var passed = TimeSpan.Zero; passed < SearchReach.Patience; passed += TimeSpan.FromSeconds(1))
        {
            Assert.False(waiting.IsCompleted);
            time.Advance(TimeSpan.FromSeconds(1));
        }

        while (!waiting.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        Assert.False(await waiting);
    }

    internal static List<string> FilesWith(RunningBroker broker, string canary)
    {
        var bytes = Encoding.ASCII.GetBytes(canary);
        List<string> found = [];
        foreach (var path in Directory.EnumerateFiles(broker.Program.DataFolder, "*", SearchOption.AllDirectories))
        {
            try
            {
                using FileStream file = new(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
                using MemoryStream all = new();
                file.CopyTo(all);
                if (all.ToArray().AsSpan().IndexOf(bytes) >= 0)
                {
                    found.Add(path);
                }
            }
            catch (Exception error) when (error is FileNotFoundException or IOException)
            {
                // Gone meanwhile, or a lock.
            }
        }

        return found;
    }

}
