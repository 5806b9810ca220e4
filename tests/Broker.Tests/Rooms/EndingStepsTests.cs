using System.Text;
using Microsoft.Extensions.DependencyInjection;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>
/// The ends of rooms and accounts, stopped before each of their writes.
/// A program ends there, or the disk is full for a while.
/// </summary>
public sealed class EndingStepsTests
{
    private const string Password = "correct horse battery staple";

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Fault_R13_Of_an_erased_account_nothing_stays_wherever_its_end_was_stopped(bool restarts)
    {
        Steps steps = new();
        await using var broker = await RunningBroker.StartAsync(steps.Configure);
        await broker.RegisterAsync("first");
        var (heir, bea) = (await broker.RegisterAsync("heir"), await broker.RegisterAsync("bea"));
        var wasStopped = true;
        for (var before = 0; wasStopped; before++)
        {
            var gone = await broker.RegisterAsync("gone" + before);
            var (shared, own) = ($"shared-{before}", $"own-{before}");
            await MakeAsync(broker, gone, shared, heir);
            await MakeAsync(broker, gone, own);
            var inbox = broker.Get<RoomDirectory>().InboxOf(gone.Account);
            await using (var client = await broker.ConnectAsync(heir))
            {
                Assert.True((await client.PublishAsync("users/gone" + before, "secret")).Accepted);
            }

            Assert.Equal(
                MarkOutcome.Taken, (await broker.Get<ReadPositions>().MarkAsync(gone.Account, broker.Room(shared), 1, null)).Outcome);
            await broker.Get<IRecords>().WriteAsync([new RecordChange(DurableRecords.PositionKey(gone.Account.Id, "bot"), [])]);
            Assert.NotEmpty(RecordsOf(broker, gone.Account.Id));
            Assert.Equal(
                RoomChange.Invited, await broker.Get<RoomInvitations>().InviteAsync(broker.Room(shared), bea.Account, gone.Account));
            Assert.Single((await broker.Get<RoomStore>().LoadAsync()).Invitations);
            var (sharedLog, ownLog) = (broker.Room(shared).Log, broker.Room(own).Log);

            steps.StopAfter(before);
            await EraseAsync(broker, gone.Account);
            wasStopped = steps.WasStopped;
            await GoOnAsync(broker, steps, restarts);

            Assert.Equal((before, 0L), (before, broker.Get<IEventLog>().Head(inbox.Log).Head));
            Assert.Equal((before, 0L), (before, broker.Get<IEventLog>().Head(ownLog).Head));
            Assert.NotEqual(0, broker.Get<IEventLog>().Head(sharedLog).Head);
            Assert.Empty(RecordsOf(broker, gone.Account.Id));
            Assert.Null(broker.Get<RoomDirectory>().Find(own));
            Assert.Equal((before, heir.Account.Id), (before, broker.Room(shared).OwnerId));
            Assert.DoesNotContain(gone.Account.Id, broker.Room(shared).MemberIds);
            Assert.Empty((await broker.Get<RoomStore>().LoadAsync()).Invitations);
            Assert.Empty(await ErasedAccounts.AllAsync(broker.Get<IDocuments>()));
        }

        Assert.InRange(steps.Taken, 5, 50);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Fault_R13_Of_a_deleted_room_nothing_but_its_id_stays_wherever_its_end_was_stopped(bool restarts)
    {
        Steps steps = new();
        await using var broker = await RunningBroker.StartAsync(steps.Configure);
        await broker.RegisterAsync("first");
        var (maker, bea) = (await broker.RegisterAsync("maker"), await broker.RegisterAsync("bea"));
        var wasStopped = true;
        for (var before = 0; wasStopped; before++)
        {
            var id = $"club-{before}";
            await MakeAsync(broker, maker, id, bea);
            var room = broker.Room(id);
            Assert.Equal(MarkOutcome.Taken, (await broker.Get<ReadPositions>().MarkAsync(bea.Account, room, 1, null)).Outcome);
            Assert.NotNull(broker.Get<IRecords>().Find(AccountPositions.Key(bea.Account.Id, room.Log.Value)));

            steps.StopAfter(before);
            var isDeleted = await DeleteAsync(broker, room, maker.Account);
            wasStopped = steps.WasStopped;
            await GoOnAsync(broker, steps, restarts);

            if (!isDeleted)
            {
                // Refused before anything was noted: it is as it was.
                Assert.Equal((before, 2L), (before, broker.Room(id).Head));
                continue;
            }

            Assert.Null(broker.Get<RoomDirectory>().Find(id));
            Assert.Equal((before, 0L), (before, broker.Get<IEventLog>().Head(room.Log).Head));
            Assert.Null(broker.Get<IRecords>().Find(AccountPositions.Key(bea.Account.Id, room.Log.Value)));
            Assert.Null(broker.Get<IRecords>().Find(AccountPositions.Key(maker.Account.Id, room.Log.Value)));
            var former = Assert.Single((await broker.Get<RoomStore>().LoadAsync()).Former, former => former.Id == id);
            Assert.False(former.IsEnding);
        }

        Assert.InRange(steps.Taken, 3, 50);
    }

    // What a full disk has done to the rest of the program is none of these tests': a failed answer is one that the person sees.
    private static async Task EraseAsync(RunningBroker broker, Account account) =>
        Assert.True((await broker.Get<AccountChanges>().EraseAsync(account, Password, null)).TryGet(out _, out _));

    private static async Task<bool> DeleteAsync(RunningBroker broker, Room room, Account by)
    {
        try
        {
            return await broker.Get<RoomEndings>().DeleteAsync(room, by) == RoomChange.Done;
        }
        catch (IOException)
        {
            return false;
        }
    }

    private static async Task GoOnAsync(RunningBroker broker, Steps steps, bool restarts)
    {
        if (restarts)
        {
            await broker.Program.DisposeAsync();
            steps.GoOn();
            await broker.RestartAsync();
        }
        else
        {
            steps.GoOn();
            await broker.Get<RoomEndings>().FinishEndingsAsync();
        }
    }

    private static async Task MakeAsync(RunningBroker broker, Member maker, string id, Member? other = null)
    {
        using var makers = Calls.As(broker, maker);
        await makers.MakeRoom(id);
        if (other is not null)
        {
            await broker.Get<RoomMembers>().JoinAsync(broker.Room(id), other.Account, byItself: true);
        }

        // By the log alone: presence would be said at a time of its own.
        var log = broker.Get<IEventLog>();
        for (var i = 0; i < 2; i++)
        {
            var stored = await log.AppendAsync(broker.Room(id).Log, maker.Account.Id, null, default, new byte[] { 1 });
            Assert.Equal(AppendOutcome.Stored, stored.Outcome);
        }
    }

    private static IEnumerable<KeyValuePair<byte[], byte[]>> RecordsOf(RunningBroker broker, string accountId) =>
        DurableRecords.PrefixesOf(accountId)
            .Append(AccountPositions.Prefix(accountId))
            .SelectMany(prefix => broker.Get<IRecords>().ReadAll(prefix));

    /// <summary>Counts the writes by which something ends, and lets through as many as the test says.</summary>
    private sealed class Steps
    {
        private readonly Lock _gate = new();
        private int _left = int.MaxValue;

        /// <summary>One was not let through.</summary>
        public bool WasStopped { get; private set; }

        /// <summary>How many there were since the test said how many may be.</summary>
        public int Taken { get; private set; }

        public void StopAfter(int steps)
        {
            lock (_gate)
            {
                (_left, WasStopped, Taken) = (steps, false, 0);
            }
        }

        public void GoOn()
        {
            lock (_gate)
            {
                _left = int.MaxValue;
            }
        }

        public void Configure(IServiceCollection services)
        {
            services.AddSingleton<IEventLog>(new Log(this, Of<IEventLog>(services)));
            services.AddSingleton<IRecords>(new Records(this, Of<IRecords>(services)));
            services.AddSingleton<IDocuments>(new Documents(this, Of<IDocuments>(services)));
        }

        private static T Of<T>(IServiceCollection services) =>
            (T)services.Last(service => service.ServiceType == typeof(T)).ImplementationInstance!;

        private void Take()
        {
            lock (_gate)
            {
                if (_left == 0)
                {
                    WasStopped = true;
                    throw new IOException("Stopped on purpose.");
                }

                _left--;
                Taken++;
            }
        }

        private async Task<T> TakeAsync<T>(Func<Task<T>> step)
        {
            Take();
            return await step();
        }

        private async Task TakeAsync(Func<Task> step)
        {
            Take();
            await step();
        }

        private sealed class Log(Steps steps, IEventLog real) : IEventLog
        {
            public void Append(PendingAppend append, bool moreFollows = false) => real.Append(append, moreFollows);

            public void Wake() => real.Wake();

            public LogHead Head(LogName log) => real.Head(log);

            public OpenLog Open(LogName log) => real.Open(log);

            public LogPage ReadAfter(LogName log, long after, int limit) => real.ReadAfter(log, after, limit);

            public LogPage ReadBefore(LogName log, long before, int limit) => real.ReadBefore(log, before, limit);

            public Task TruncateAsync(LogName log, long before) => real.TruncateAsync(log, before);

            public Task DropAsync(LogName log) => steps.TakeAsync(() => real.DropAsync(log));

            public Task SettleAsync() => real.SettleAsync();

            public ValueTask DisposeAsync() => real.DisposeAsync();
        }

        private sealed class Records(Steps steps, IRecords real) : IRecords
        {
            public Task WriteAsync(IReadOnlyList<RecordChange> changes) =>
                Ends(changes) ? steps.TakeAsync(() => real.WriteAsync(changes)) : real.WriteAsync(changes);

            public Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions) =>
                Ends(changes) ? steps.TakeAsync(() => real.WriteAsync(changes, conditions)) : real.WriteAsync(changes, conditions);

            public byte[]? Find(ReadOnlySpan<byte> key) => real.Find(key);

            public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit) =>
                real.ReadPage(prefix, after, limit);

            public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) => real.ReadAll(prefix);

            // What is deleted of places: what else the program writes meanwhile comes at a time of its own.
            private static string[] Prefixes { get; } = ["read/", "durable/", "m/", "w/", "room/"];

            private static bool Ends(IReadOnlyList<RecordChange> changes) =>
                changes.Any(change => change.Value is null && Prefixes.Any(
                    prefix => Encoding.ASCII.GetString(change.Key).StartsWith(prefix, StringComparison.Ordinal)));
        }

        private sealed class Documents(Steps steps, IDocuments real) : IDocuments
        {
            public Task<Document?> GetAsync(string collection, string id) => real.GetAsync(collection, id);

            public Task<IReadOnlyList<Document>> PageAsync(string collection, string? after, int limit, string prefix = "") =>
                real.PageAsync(collection, after, limit, prefix);

            public Task<string?> OwnerAsync(string scope, string value) => real.OwnerAsync(scope, value);

            public Task<CommitOutcome> CommitAsync(IReadOnlyList<DocumentChange> changes) =>
                steps.TakeAsync(() => real.CommitAsync(changes));

            public DocumentFollower Follow() => real.Follow();
        }
    }
}
