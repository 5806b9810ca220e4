using System.Net;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Rooms.MessageTalk;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>Two who change the same message at once: one comes first, the other sees what it did, and nothing is revived.</summary>
public sealed class MessageRaceTests
{
    [Fact]
    public async Task Of_two_clients_that_edit_at_once_the_one_with_the_higher_number_stays()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        for (var round = 0; round < 20; round++)
        {
            var said = await talk.SayAsync(talk.Bea, "0");

            var both = await Task.WhenAll(talk.EditAsync(talk.Bea, said, "one"), talk.EditAsync(talk.Bea, said, "two"));

            Assert.All(both, result => Assert.Null(result.Refusal));
            var last = both[0].Seq > both[1].Seq ? 0 : 1;
            Assert.Equal(last == 0 ? "one" : "two", TextOf(await talk.EventAsync(said)));
            Assert.Null(TextOf(await talk.EventAsync(both[1 - last].Seq)));
        }
    }

    [Fact]
    public async Task An_edit_at_once_with_a_deletion_revives_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var edited = 0;
        for (var round = 0; round < 40; round++)
        {
            var said = await talk.SayAsync(talk.Bea, "secret words");

            var edit = talk.EditAsync(talk.Bea, said, "secret words too");
            var delete = talk.DeleteAsync(talk.Mod, said);

            Assert.Null((await delete).Refusal);
            var answer = await edit;
            Assert.True(answer.Refusal is null or { Notice: "removed" }, answer.Refusal?.Notice);
            edited += answer.Refusal is null ? 1 : 0;
            Assert.Equal("removed", (await talk.EventAsync(said)).Type());
            Assert.DoesNotContain("secret", talk.Stored(), StringComparison.Ordinal);
        }

        TestContext.Current.TestOutputHelper?.WriteLine($"{edited} edits came before the deletion");
    }

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task What_was_changed_meanwhile_is_read_anew_three_times(int changes)
    {
        MeddledLog meddled = new();
        await using var broker = await RunningBroker.StartWithAsync(meddled.Place);
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "one");
        await using var client = await broker.ConnectAsync(talk.Bea);
        using var beas = Calls.As(broker, talk.Bea);

        meddled.Left = changes;
        var answer = await client.PublishAsync(Topic, Payload("edit", said, ""","text":"two" """));
        meddled.Left = changes;
        var (status, text) = await beas.SendAsync(HttpMethod.Post, "/api/rooms/yard/events", new { type = "edit", of = said, text = "three" });

        if (changes < 3)
        {
            Assert.True(answer.Accepted, answer.ReasonString);
            Assert.Equal(HttpStatusCode.Created, status);
            Assert.Equal("three", TextOf(await talk.EventAsync(said)));
        }
        else
        {
            Assert.Equal((0x97, "conflict", "1"), (answer.ReasonCode, answer.Properties.User("code"), answer.Properties.User("retry")));
            Assert.Equal(HttpStatusCode.Conflict, status);
            Assert.Contains("\"conflict\"", text, StringComparison.Ordinal);
            Assert.Equal("meddled", TextOf(await talk.EventAsync(said)));
        }
    }

    [Fact]
    public async Task What_one_account_does_to_several_messages_waits_for_the_disk_together()
    {
        MeddledLog meddled = new();
        await using var broker = await RunningBroker.StartWithAsync(meddled.Place);
        var talk = await InYardAsync(broker);
        List<long> said = [];
        for (var number = 0; number < 3; number++)
        {
            said.Add(await talk.SayAsync(talk.Bea, $"{number}"));
        }

        meddled.Together = said.Count;
        var edits = await Task.WhenAll(said.Select(seq => talk.EditAsync(talk.Bea, seq, $"edited {seq}"))).WaitAsync(RawMqttClient.Patience, TestContext.Current.CancellationToken);

        Assert.All(edits, edit => Assert.Null(edit.Refusal));
        Assert.Equal(edits.OrderBy(edit => edit.Seq), edits);
        foreach (var seq in said)
        {
            Assert.Equal($"edited {seq}", TextOf(await talk.EventAsync(seq)));
        }
    }

    [Fact]
    public async Task Acts_of_one_account_on_one_message_from_many_places_at_once_all_come_to_an_end()
    {
        await using var broker = await RunningBroker.StartAsync();
        var talk = await InYardAsync(broker);
        var said = await talk.SayAsync(talk.Bea, "0");
        using Barrier together = new(8);

        var all = Task.WhenAll(Enumerable.Range(0, together.ParticipantCount).Select(place => Task.Factory.StartNew(
            () =>
            {
                List<Task<ActResult>> acts = [];
                for (var round = 0; round < 200; round++)
                {
                    // At the very same moment, and with none waited for.
                    together.SignalAndWait(TestContext.Current.CancellationToken);
                    acts.Add(talk.EditAsync(talk.Bea, said, $"{place} {round}"));
                }

                return Task.WhenAll(acts);
            },
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default).Unwrap()));

        var results = await all.WaitAsync(2 * RawMqttClient.Patience, TestContext.Current.CancellationToken);
        Assert.All(results.SelectMany(some => some), result => Assert.True(result.Refusal is null or { Notice: "conflict" }, result.Refusal?.Notice));
    }

    /// <summary>The real log, in which somebody else changes a message just before an act on it gets there.</summary>
    private sealed class MeddledLog : IEventLog
    {
        private IEventLog? _real;

        private readonly List<PendingAppend> _waiting = [];

        public int Left { get; set; }

        /// <summary>So many acts on messages go to the log at once, none before.</summary>
        public int Together { get; set; }

        private IEventLog Real => _real ?? throw new InvalidOperationException("Not placed.");

        public void Place(IServiceCollection services)
        {
            _real = (IEventLog)services.Last(service => service.ServiceType == typeof(IEventLog)).ImplementationInstance!;
            services.AddSingleton<IEventLog>(this);
        }

        public void Append(PendingAppend append, bool moreFollows = false)
        {
            if (append.EntryConditions is [_, ..] && Together > 0)
            {
                _waiting.Add(append);
                if (_waiting.Count < Together)
                {
                    return;
                }

                Together = 0;
                _waiting[..^1].ForEach(one => Real.Append(one, moreFollows: true));
            }

            if (append.EntryConditions is [var (seq, _), ..] && Left > 0)
            {
                Left--;
                Author by = new(append.Author, "bea", "bea", "person");
                var body = EventBody.Message(EventType.Message, by, EventBody.NewId(), "meddled", null);
                var edit = EventBody.Act(EventType.Edit, by, EventBody.NewId(), writer => writer.WriteNumber("of"u8, seq));
                _ = Real.AppendAsync(append.Log, append.Author, null, default, edit, replacements: [new Replacement(seq, body)]);
            }

            Real.Append(append, moreFollows);
        }

        public void Wake() => Real.Wake();

        public Task SettleAsync() => Real.SettleAsync();

        public LogHead Head(LogName log) => Real.Head(log);

        public OpenLog Open(LogName log) => Real.Open(log);

        public LogPage ReadAfter(LogName log, long after, int limit) => Real.ReadAfter(log, after, limit);

        public LogPage ReadBefore(LogName log, long before, int limit) => Real.ReadBefore(log, before, limit);

        public Task TruncateAsync(LogName log, long before) => Real.TruncateAsync(log, before);

        public Task DropAsync(LogName log) => Real.DropAsync(log);

        public ValueTask DisposeAsync() => Real.DisposeAsync();
    }
}
