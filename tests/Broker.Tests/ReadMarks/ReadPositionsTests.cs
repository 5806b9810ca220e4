using System.Text;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Events;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;
using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.ReadMarks;

/// <summary>Positions on a real store, without connections.</summary>
public sealed class ReadPositionsTests
{
    private readonly Account _ana = ReadingLog.Account("ana");

    [Fact]
    public async Task Many_marks_at_once_are_few_writes_and_each_waits_for_one_that_covers_it()
    {
        await using ReadingLog store = new();
        HeldBack records = new(store.Log);
        ReadPositions positions = new(store.Log, records);
        await JoinAsync(store, positions, _ana);
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 200));
        var before = records.Writes;
        records.Hold();

        List<Task<MarkOutcome>> marks = [.. Enumerable.Range(1, 200).Select(seq => MarkAsync(store, positions, seq))];
        Assert.All(marks, mark => Assert.False(mark.IsCompleted));
        Assert.Equal(0, State(store, positions).Seq);
        records.Release();

        Assert.All(await Task.WhenAll(marks), outcome => Assert.Equal(MarkOutcome.Taken, outcome));
        Assert.Equal(2, records.Writes - before);
        Assert.Equal((200, 0), (State(store, positions).Seq, State(store, positions).Unread));
    }

    [Fact]
    public async Task Of_marks_back_and_on_whose_writes_are_not_done_the_last_one_counts()
    {
        await using ReadingLog store = new();
        HeldBack records = new(store.Log);
        ReadPositions positions = new(store.Log, records);
        await JoinAsync(store, positions, _ana);
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 5));

        records.Hold();
        var on = positions.MarkAsync(_ana, store.Room, 3, null);
        var back = positions.MarkAsync(_ana, store.Room, 1, null, isBack: true);
        records.Release();
        Assert.All(await Task.WhenAll(on, back), result => Assert.Equal(MarkOutcome.Taken, result.Outcome));
        Assert.Equal((1, 4), (State(store, positions).Seq, State(store, positions).Unread));

        await MarkAsync(store, positions, 4);
        records.Hold();
        back = positions.MarkAsync(_ana, store.Room, 0, null, isBack: true);
        on = positions.MarkAsync(_ana, store.Room, 3, null);
        records.Release();
        Assert.All(await Task.WhenAll(on, back), result => Assert.Equal(MarkOutcome.Taken, result.Outcome));
        Assert.Equal((3, 2), (State(store, positions).Seq, State(store, positions).Unread));
        Assert.Equal(3, Mark.Parse(Assert.Single(store.Log.ReadAll("read/"u8)).Value).Seq);
    }

    [Fact]
    public async Task A_mark_that_comes_when_another_is_just_written_is_answered()
    {
        await using ReadingLog store = new();
        HeldBack records = new(store.Log);
        ReadPositions positions = new(store.Log, records);
        await JoinAsync(store, positions, _ana);
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 5));
        TaskCompletionSource<Task<MarkOutcome>> next = new();
        positions.Changed += (_, _) =>
        {
            if (!next.Task.IsCompleted)
            {
                records.Hold();
                next.SetResult(MarkAsync(store, positions, 4));
            }
        };

        Assert.Equal(MarkOutcome.Taken, await MarkAsync(store, positions, 3));
        var second = await next.Task;
        records.Release();

        Assert.Equal(MarkOutcome.Taken, await second.WaitAsync(RawMqttClient.Patience, TestContext.Current.CancellationToken));
        Assert.Equal(4, State(store, positions).Seq);
    }

    [Fact]
    public async Task Who_comes_over_and_over_has_one_place_and_one_position_and_who_leaves_has_none()
    {
        await using var broker = await RunningBroker.StartAsync();
        var bea = (await broker.RegisterAsync("bea")).Account;
        var (lobby, members) = (broker.Room("lobby"), broker.Get<RoomMembers>());
        for (var i = 0; i < 3; i++)
        {
            await members.JoinAsync(lobby, bea, byItself: true);
            Assert.Equal(MarkOutcome.Taken, (await broker.Get<ReadPositions>().MarkAsync(bea, lobby, i, epoch: null)).Outcome);
        }

        Assert.Single(lobby.MemberIds, bea.Id);
        Assert.Single(broker.Get<IRecords>().ReadAll(AccountPositions.Prefix(bea.Id)));

        await members.LeaveAsync(lobby, bea, byItself: true);
        Assert.DoesNotContain(bea.Id, lobby.MemberIds);
        Assert.Empty(broker.Get<IRecords>().ReadAll(AccountPositions.Prefix(bea.Id)));
        Assert.Equal(MarkOutcome.NotOpen, (await broker.Get<ReadPositions>().MarkAsync(bea, lobby, 1, epoch: null)).Outcome);
    }

    [Fact]
    public async Task What_was_acknowledged_is_there_after_a_restart_and_what_was_read_stays_read()
    {
        await using ReadingLog store = new();
        ReadPositions positions = new(store.Log, store.Log);
        await JoinAsync(store, positions, _ana);
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 5));
        Assert.Equal(MarkOutcome.Taken, await MarkAsync(store, positions, 3));
        var before = State(store, positions);

        await store.RestartAsync();
        store.Join("ana");

        Assert.Equal(before, State(store, new ReadPositions(store.Log, store.Log)));
        Assert.Equal((3, 2), (before.Seq, before.Unread));
    }

    [Fact]
    public async Task Who_joined_an_empty_room_has_what_is_said_there_unread_also_after_a_restart()
    {
        await using ReadingLog store = new();
        await JoinAsync(store, new ReadPositions(store.Log, store.Log), _ana);
        await store.RestartAsync();
        store.Join("ana");
        await store.SayAsync("bob");

        Assert.Equal((0, 1), (State(store, new ReadPositions(store.Log, store.Log)).Seq, State(store, new ReadPositions(store.Log, store.Log)).Unread));
    }

    [Fact]
    public async Task Attack_75_A_position_of_another_life_of_the_log_is_taken_as_the_head_when_it_is_met()
    {
        await using ReadingLog store = new();
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 5));
        await store.Log.WriteAsync([new RecordChange(AccountPositions.Key("ana", store.Room.Log.Value), new Mark(2, "zzzzzz").ToBytes())]);
        store.Join("ana");
        ReadPositions positions = new(store.Log, store.Log);

        Assert.Equal((5, 0), (State(store, positions).Seq, State(store, positions).Unread));
        await store.SayAsync("bob");
        Assert.Equal((5, 1), (State(store, positions).Seq, State(store, positions).Unread));

        // From then on it is a position like any other.
        await MarkAsync(store, positions, 6);
        await store.SayAsync("bob");
        await store.RestartAsync();
        store.Join("ana");
        Assert.Equal((6, 1), (State(store, new ReadPositions(store.Log, store.Log)).Seq, State(store, new ReadPositions(store.Log, store.Log)).Unread));
    }

    [Fact]
    public async Task A_member_from_before_positions_were_kept_begins_at_the_head_and_a_restart_does_not_move_it()
    {
        await using ReadingLog store = new();
        await store.SayAsync("bob");
        store.Join("ana");
        HeldBack records = new(store.Log);
        ReadPositions positions = new(store.Log, records);
        Assert.Equal((1, 0), (State(store, positions).Seq, State(store, positions).Unread));
        await records.LastWrite;
        await store.SayAsync("bob");
        await store.RestartAsync();
        store.Join("ana");

        Assert.Equal((1, 1), (State(store, new ReadPositions(store.Log, store.Log)).Seq, State(store, new ReadPositions(store.Log, store.Log)).Unread));
    }

    [Fact]
    public async Task A_position_before_what_is_kept_is_at_its_end()
    {
        await using ReadingLog store = new();
        ReadPositions positions = new(store.Log, store.Log);
        await JoinAsync(store, positions, _ana);
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 10));
        await MarkAsync(store, positions, 2);
        Assert.Equal((2, 8), (State(store, positions).Seq, State(store, positions).Unread));

        await store.Log.TruncateAsync(store.Room.Log, 7);

        Assert.Equal((6, 4), (State(store, positions).Seq, State(store, positions).Unread));
        Assert.Equal(6, (await positions.MarkAsync(_ana, store.Room, 3, null)).Now.Seq);
        await store.Log.TruncateAsync(store.Room.Log, 11);
        Assert.Equal((10, 0), (State(store, positions).Seq, State(store, positions).Unread));
    }

    [Fact]
    public async Task A_guest_leaves_nothing_on_disk()
    {
        await using ReadingLog store = new();
        ReadPositions positions = new(store.Log, store.Log);
        var guest = ReadingLog.Account("guest", AccountKind.Guest);
        await JoinAsync(store, positions, guest);
        await JoinAsync(store, positions, _ana);
        await store.SayAsync("bob");

        Assert.Equal(MarkOutcome.Taken, (await positions.MarkAsync(guest, store.Room, 1, null)).Outcome);
        Assert.Equal(1, positions.Find(guest, store.Room)!.Value.Seq);
        Assert.Equal(MarkOutcome.Taken, await MarkAsync(store, positions, 1));

        Assert.Single(store.Log.ReadAll("read/"u8));
    }

    [Fact]
    public async Task A_mark_under_way_when_its_account_leaves_is_not_there_when_it_comes_back()
    {
        await using ReadingLog store = new();
        HeldBack records = new(store.Log);
        ReadPositions positions = new(store.Log, records);
        await JoinAsync(store, positions, _ana);
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 3));
        records.Hold();
        var first = MarkAsync(store, positions, 1);
        var second = MarkAsync(store, positions, 2);

        store.Room.RemoveMember("ana");
        var forgotten = positions.ForgetAsync(_ana, store.Room);
        records.Release();
        await forgotten;

        Assert.Equal([MarkOutcome.NotOpen, MarkOutcome.NotOpen], await Task.WhenAll(first, second));
        Assert.Equal(MarkOutcome.NotOpen, await MarkAsync(store, positions, 3));
        Assert.Null(positions.Find(_ana, store.Room));
        Assert.Empty(store.Log.ReadAll("read/"u8));
        await JoinAsync(store, positions, _ana);
        Assert.Equal((3, 0), (State(store, positions).Seq, State(store, positions).Unread));
    }

    [Fact]
    public async Task Attack_72_What_cannot_be_written_is_refused_and_nothing_has_moved()
    {
        await using var disk = await SmallDisk.MountAsync("8m");
        await using ReadingLog store = new(Path.Combine(disk.Folder, "rooms"));
        ReadPositions positions = new(store.Log, store.Log);
        await JoinAsync(store, positions, _ana);
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 1000));
        Assert.Equal(MarkOutcome.Taken, await MarkAsync(store, positions, 1));

        disk.Fill();
        var seq = 1;
        while (await MarkAsync(store, positions, ++seq) == MarkOutcome.Taken)
        {
        }

        Assert.Equal(seq - 1, State(store, positions).Seq);
        Assert.Equal(MarkOutcome.NotStored, await MarkAsync(store, positions, 900));
        Assert.Equal(seq - 1, State(store, positions).Seq);

        disk.Free();
        using PeriodicTimer again = new(TimeSpan.FromMilliseconds(20));
        while (await MarkAsync(store, positions, seq) != MarkOutcome.Taken)
        {
            await again.WaitForNextTickAsync(TestContext.Current.CancellationToken);
        }

        Assert.Equal(seq, State(store, positions).Seq);
        await store.RestartAsync();
        store.Join("ana");
        Assert.Equal(seq, State(store, new ReadPositions(store.Log, store.Log)).Seq);
    }

    [Fact]
    public async Task What_devices_are_shown_is_as_the_contract_has_it()
    {
        await using ReadingLog store = new();
        Inbox inbox = new(ReadingLog.Account("bob"), store.Log, _ => { }, _ => null, new NoticeIndexes(), names: null!);

        Assert.Equal(EventBodyTests.Golden("read"), Encoding.UTF8.GetString(ReadDelivery.Payload(store.Room, new ReadState(42, "k3f9", 3, 50))));
        Assert.Equal(EventBodyTests.Golden("read-whispers"), Encoding.UTF8.GetString(ReadDelivery.Payload(inbox, new ReadState(7, "k3f9", 0, 7))));
    }

    private ReadState State(ReadingLog store, ReadPositions positions) => positions.Find(_ana, store.Room)!.Value;

    private async Task<MarkOutcome> MarkAsync(ReadingLog store, ReadPositions positions, long seq) => (await positions.MarkAsync(_ana, store.Room, seq, null)).Outcome;

    [Fact]
    public async Task A_beginning_that_nothing_could_be_read_or_written_for_is_not_replaced_by_a_mark_of_before()
    {
        await using ReadingLog store = new();
        HeldBack records = new(store.Log);
        ReadPositions before = new(store.Log, store.Log);
        await JoinAsync(store, before, _ana);
        await store.SayAsync(Enumerable.Repeat(("bob", EventType.Message), 5));
        Assert.Equal(MarkOutcome.Taken, await MarkAsync(store, before, 2));

        ReadPositions positions = new(store.Log, records);
        records.Fails = true;
        await JoinAsync(store, positions, _ana);
        records.Fails = false;

        Assert.Equal((5, 0), (State(store, positions).Seq, State(store, positions).Unread));
        await records.LastWrite;
        Assert.Equal(5, State(store, new ReadPositions(store.Log, store.Log)).Seq);
    }

    private static async Task JoinAsync(ReadingLog store, ReadPositions positions, Account account)
    {
        store.Join(account.Id);
        await positions.LoadAsync(account);
        await store.Room.OpenAsync();
        await positions.BeginAsync(account, store.Room);
    }

    /// <summary>The real store, behind a door that the test can close.</summary>
    private sealed class HeldBack(IRecords store) : IRecords
    {
        private TaskCompletionSource _door = Open();
        private int _writes;

        public int Writes => _writes;

        /// <summary>Neither reads nor writes.</summary>
        public bool Fails { get; set; }

        public Task LastWrite { get; private set; } = Task.CompletedTask;

        public void Hold() => _door = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Release() => _door.SetResult();

        public Task WriteAsync(IReadOnlyList<RecordChange> changes)
        {
            Interlocked.Increment(ref _writes);
            if (Fails)
            {
                return Task.FromException(new RecordsNotWrittenException("The disk refuses."));
            }

            var written = store.WriteAsync(changes);
            return LastWrite = Task.WhenAll(_door.Task, written);
        }

        public Task<WriteOutcome> WriteAsync(IReadOnlyList<RecordChange> changes, IReadOnlyList<RecordCondition> conditions) => store.WriteAsync(changes, conditions);

        public byte[]? Find(ReadOnlySpan<byte> key) => store.Find(key);

        public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadPage(ReadOnlySpan<byte> prefix, ReadOnlySpan<byte> after, int limit) => store.ReadPage(prefix, after, limit);

        public IReadOnlyList<KeyValuePair<byte[], byte[]>> ReadAll(ReadOnlySpan<byte> prefix) =>
            Fails ? throw new IOException("The disk refuses.") : store.ReadAll(prefix);

        private static TaskCompletionSource Open()
        {
            TaskCompletionSource open = new();
            open.SetResult();
            return open;
        }
    }
}
