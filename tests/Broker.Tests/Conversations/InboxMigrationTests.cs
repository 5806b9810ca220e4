using System.Text.Json;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Tests.Rooms;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;
using static WebMessenger.Broker.Tests.Conversations.DirectTalk;

namespace WebMessenger.Broker.Tests.Conversations;

/// <summary>Inboxes as version 0.1 left them become conversations.</summary>
public sealed class InboxMigrationTests
{
    [Fact]
    public async Task Inboxes_of_version_0_1_are_merged_by_time_and_whoever_was_somewhere_goes_on_from_there()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InAsync(broker);
        var before = await LeaveAsVersion01Async(talk);
        await broker.RestartAsync();

        await CheckAsync(talk, before);
        var stored = talk.Stored();
        await broker.RestartAsync();
        await CheckAsync(talk, before);
        Assert.Equal(stored, talk.Stored());

        // Sent again, it is there; what comes next goes on behind it.
        Assert.Equal(1, (await talk.PublishAsync(talk.Ana, talk.Bea, "1: ana to bea", id: "id 1")).Seq);
        Assert.Equal(7, await talk.SayAsync(talk.Bea, talk.Ana, "7"));
        using var anas = Calls.As(broker, talk.Ana);
        var inbox = (await anas.Get("/api/whispers?limit=100")).GetProperty("events").EnumerateArray().ToList();
        Assert.Equal([1L, 2, 3, 4, 5], inbox.Select(one => one.GetProperty("seq").GetInt64()));
    }

    [Fact]
    public async Task Cut_at_any_write_the_next_start_goes_on_and_ends_up_the_same()
    {
        // Until a run gets through: each one ends before one write more.
        for (var writes = 0; ; writes++)
        {
            CutLog cut = new();
            await using var broker = await RunningBroker.StartAsync(cut.Configure);
            var talk = await InAsync(broker);
            var before = await LeaveAsVersion01Async(talk);
            var migration = new InboxMigration(
                broker.Get<AccountDirectory>(), broker.Get<IEventLog>(), broker.Get<IRecords>(), NullLogger<InboxMigration>.Instance);
            cut.Left = writes;
            var wasCut = await Record.ExceptionAsync(migration.RunAsync) is IOException;
            cut.Left = int.MaxValue;
            Assert.Equal(6, talk.Stored().Split(" to ").Length - 1);
            await broker.RestartAsync();
            await CheckAsync(talk, before);
            if (!wasCut)
            {
                Assert.InRange(writes, 6, 100);
                return;
            }
        }
    }

    // Six whispers of the two in turns, one of Caio in between, and Bea has read three of hers.
    private static async Task<Dictionary<string, List<string>>> LeaveAsVersion01Async(DirectTalk talk)
    {
        var (log, records) = (talk.Broker.Get<IEventLog>(), talk.Broker.Get<IRecords>());
        await records.WriteAsync([new RecordChange(ConversationRecord.StateKey, null)]);
        var epoch = "";
        for (var i = 1; i <= 6; i++)
        {
            var (from, to) = i % 3 == 0 ? (talk.Bea, talk.Ana) : (talk.Ana, talk.Bea);
            epoch = await WhisperAsync(from, to, $"{i}: {from.Account.UserName} to {to.Account.UserName}", i) is var said && to == talk.Bea ? said : epoch;
        }

        await WhisperAsync(talk.Caio, talk.Ana, "caio says", 1);
        await WhisperAsync(talk.Caio, talk.Ana, "caio says more", 1, id: null);
        await records.WriteAsync([new RecordChange(AccountPositions.Key(talk.Bea.Account.Id, "u/" + talk.Bea.Account.Id), new Mark(3, epoch).ToBytes())]);
        return new()
        {
            ["ana"] = Said(talk.Ana),
            ["bea"] = Said(talk.Bea),
        };

        List<string> Said(Member of) =>
            [.. log.ReadAfter(LogName.OfAccount(of.Account.Id), 0, 100).Entries.Select(entry => $"{entry.Seq} {EventBody.SaidOf(entry.Body.Span).Text} {entry.At:O}")];

        async Task<string> WhisperAsync(Member from, Member to, string text, int number, string? id = "id")
        {
            Author author = new(from.Account.Id, from.Account.UserName, from.Account.DisplayName, "person");
            var name = id is null ? EventBody.NewId() : $"{id} {number}";
            // Times that differ: each is another millisecond at least.
            var at = talk.Broker.Get<TimeProvider>().GetUtcNow().ToUnixTimeMilliseconds();
            SpinWait.SpinUntil(() => talk.Broker.Get<TimeProvider>().GetUtcNow().ToUnixTimeMilliseconds() > at);
            var body = EventBody.Message(EventType.Whisper, author, name, text, number == 4 ? 2 : null);
            return (await log.AppendAsync(LogName.OfAccount(to.Account.Id), from.Account.Id, id is null ? null : name, EventBody.ContentHash(text, number == 4 ? 2 : null), body)).Epoch;
        }
    }

    private static async Task CheckAsync(DirectTalk talk, Dictionary<string, List<string>> before)
    {
        string[] all = ["1: ana to bea", "2: ana to bea", "3: bea to ana", "4: ana to bea", "5: ana to bea", "6: bea to ana"];
        foreach (var (of, with) in new[] { (talk.Ana, "bea"), (talk.Bea, "ana") })
        {
            var events = await talk.EventsAsync(of, with);
            Assert.Equal(all, events.Take(6).Select(one => one.Text()));
            Assert.DoesNotContain(events, one => one.TryGetProperty("replyTo", out _));
            using var calls = Calls.As(talk.Broker, of);
            var inbox = (await calls.Get("/api/whispers?limit=100")).GetProperty("events").EnumerateArray();
            Assert.Equal(
                before[of.Account.UserName],
                inbox.Select(one => $"{one.GetProperty("seq").GetInt64()} {one.Text()} {one.GetProperty("at").GetDateTimeOffset():O}"));
        }

        Assert.Equal(["caio says", "caio says more"], (await talk.EventsAsync(talk.Ana, "caio")).Select(one => one.Text()));

        // Bea had read three of her four: the fourth is unread. Ana had read nothing.
        Assert.Equal(1, Assert.Single(await talk.ListAsync(talk.Bea)).GetProperty("unread").GetInt32());
        Assert.Equal([2, 2], (await talk.ListAsync(talk.Ana)).Select(one => one.GetProperty("unread").GetInt32()));
        Assert.DoesNotContain(talk.Broker.Get<IEventLog>().ReadAfter(LogName.OfAccount(talk.Ana.Account.Id), 0, 100).Entries, entry => EventBody.PointerOf(entry.Body.Span) is null);
    }

    /// <summary>A log that takes so many writes, of events and of records, and no more: as the program ends there.</summary>
    private sealed class CutLog
    {
        public int Left { get; set; } = int.MaxValue;

        public void Configure(IServiceCollection services)
        {
            var log = (IEventLog)services.Last(service => service.ServiceType == typeof(IEventLog)).ImplementationInstance!;
            var records = (IRecords)services.Last(service => service.ServiceType == typeof(IRecords)).ImplementationInstance!;
            services.AddSingleton<IEventLog>(new Log(this, log));
            services.AddSingleton<IRecords>(new Records(this, records));
        }

        private bool May() => Left == int.MaxValue || Left-- > 0;

        private sealed class Log(CutLog owner, IEventLog real) : IEventLog
        {
            public void Append(PendingAppend append, bool moreFollows = false)
            {
                if (owner.May())
                {
                    real.Append(append, moreFollows);
                }
                else
                {
                    append.Complete(AppendOutcome.StoreFailed);
                    append.Proceed(mayWork: false);
                }
            }

            public void Wake() => real.Wake();

            public Task SettleAsync() => real.SettleAsync();

            public LogHead Head(LogName log) => real.Head(log);

            public OpenLog Open(LogName log) => real.Open(log);

            public LogPage ReadAfter(LogName log, long after, int limit) => real.ReadAfter(log, after, limit);

            public LogPage ReadBefore(LogName log, long before, int limit) => real.ReadBefore(log, before, limit);

            public Task TruncateAsync(LogName log, long before) => real.TruncateAsync(log, before);

            public Task DropAsync(LogName log) => real.DropAsync(log);

            public ValueTask DisposeAsync() => ValueTask.CompletedTask;
        }

        private sealed class Records(CutLog owner, IRecords real) : IRecords
        {
            public Task WriteAsync(IReadOnlyList<RecordChange> changes) => owner.May() ? real.WriteAsync(changes) : throw new IOException("cut");

            public Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions) =>
                owner.May() ? real.WriteAsync(changes, conditions) : throw new IOException("cut");

            public byte[]? Find(ReadOnlySpan<byte> key) => real.Find(key);

            public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit) => real.ReadPage(prefix, after, limit);

            public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) => real.ReadAll(prefix);
        }
    }
}
