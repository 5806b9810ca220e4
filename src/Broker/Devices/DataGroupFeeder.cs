using WebMessenger.Broker.Streams;
using WebMessenger.Storage;

namespace WebMessenger.Broker.Devices;

/// <summary>
/// Deals to a group's members what waits for it in the log, as they take it: what came back from members that are gone first.
/// </summary>
/// <remarks>
/// One task at a time, which reads the disk outside of all locks. Under <c>_gate</c> only the cursor's is taken. At QoS 2 it is written
/// down that an entry goes to a member before it does, so that after a crash no other one gets it.
/// </remarks>
internal sealed class DataGroupFeeder(DataGroup group, IGroupRoom room) : IThreadPoolWorkItem
{
    private const int MostAtOnce = 64;

    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly List<IMember> _touched = [];
    private bool _isRunning;
    private bool _isWoken;

    /// <summary>Nothing is being dealt.</summary>
    public bool IsIdle => !Volatile.Read(ref _isRunning);

    public void Wake()
    {
        lock (_gate)
        {
            _isWoken = true;
            if (_isRunning || !group.Cursor.IsDue)
            {
                return;
            }

            _isRunning = true;
        }

        ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
    }

    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

    private async Task RunAsync()
    {
        var goesOn = true;
        while (goesOn)
        {
            lock (_gate)
            {
                _isWoken = false;
            }

            try
            {
                goesOn = await DealAsync();
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                // Nothing is skipped, and the operator has heard of it from the store.
                group.Cursor.TryLater();
                goesOn = false;
            }
            catch (Exception error) when (/* guard: dealing that fails is tried again */ error is not OutOfMemoryException)
            {
                group.Cursor.Failed(error);
                goesOn = false;
            }
            finally
            {
                IMember.FlushAll(_touched);
            }

            lock (_gate)
            {
                // Whoever has made room, or something due, since the round began counts on it.
                goesOn |= _isWoken && group.Cursor.IsDue;
                _isRunning = goesOn;
            }
        }
    }

    // False: there is nothing to deal, or nobody takes it.
    private async Task<bool> DealAsync()
    {
        var cursor = group.Cursor;
        var free = cursor.IsDue ? group.FreePlaces(MostAtOnce) : 0;
        if (free == 0)
        {
            if (cursor.IsDue && group.IsClosedToSome)
            {
                // A rule or a role that lets a member read again tells nobody.
                cursor.TryLater();
            }

            return false;
        }

        Queue<Planned> planned = new();
        try
        {
            var isTaken = Deal(free, planned);
            if (planned.Count > 0)
            {
                // One write for all of them.
                await cursor.SaveAsync();
                if (!Pass(planned))
                {
                    await cursor.SaveAsync();
                }
            }

            return isTaken;
        }
        finally
        {
            // It could not be written down, or what is after it not be read: nobody has had it.
            foreach (var one in planned)
            {
                one.Seat.Planned--;
                // guard: what could not be noted at QoS 2 comes back
                cursor.Return(one.Seq, one.IsRepeated);
            }
        }
    }

    // What came back, then what is after the cursor. False: nobody takes it.
    private bool Deal(int free, Queue<Planned> planned)
    {
        var cursor = group.Cursor;
        for (var dealt = 0; dealt < free; dealt++)
        {
            var (returned, after) = cursor.Next();
            if (returned is not { } seq)
            {
                return (dealt > 0 && !cursor.IsDue) || DealPage(after, free - dealt, planned);
            }

            if (!Deal(seq, room.Log.Find(seq), planned))
            {
                return false;
            }
        }

        return true;
    }

    private bool DealPage(long after, int free, Queue<Planned> planned)
    {
        var entries = room.Log.Read(after, out var end, free);
        foreach (var (seq, message) in entries)
        {
            if (!Deal(seq, message, planned))
            {
                return false;
            }

            after = seq;
        }

        group.Cursor.Advance(Math.Max(after, end));
        return true;
    }

    // False: nobody takes it.
    private bool Deal(long seq, DataMessage? message, Queue<Planned> planned)
    {
        var cursor = group.Cursor;
        if (message is null)
        {
            cursor.Miss(seq);
            return true;
        }

        if (!group.Filter.Matches(message.Topic) || /* guard: a group is dealt nothing that nobody might read */ cursor.IsSkipped(seq))
        {
            cursor.Advance(seq);
            cursor.Done(seq);
            return true;
        }

        var seat = message.QualityOfService == 2 ? group.Plan(message) : null;
        var dealing = cursor.Deal(seq, isExact: seat is not null, out var isRepeated);
        if (dealing != Dealing.Dealt)
        {
            return dealing == Dealing.Past;
        }

        if (seat is not null)
        {
            seat.Planned++;
            planned.Enqueue(new Planned(seat, seq, message, isRepeated));
        }
        else
        {
            return cursor.Pass(seq, isRepeated, () => group.TryPass(FramesOf(seq, message), isRepeated, _touched));
        }

        return true;
    }

    // False: some of it was not taken, and is dealt again.
    private bool Pass(Queue<Planned> planned)
    {
        var isTaken = true;
        while (planned.TryDequeue(out var one))
        {
            one.Seat.Planned--;
            isTaken &= group.Cursor.Pass(
                one.Seq, one.IsRepeated, () => group.TryPassTo(one.Seat, FramesOf(one.Seq, one.Message), one.IsRepeated, _touched));
        }

        return isTaken;
    }

    // A gap is over when one is written that says it: right before that, for of those before it some may come to nothing.
    private DataFrames FramesOf(long seq, DataMessage message)
    {
        var saysGap = group.Cursor.HasGap;
        return new DataFrames(saysGap ? message.AfterGap() : message, room.Prefix) { Seq = seq, SaysGap = saysGap };
    }

    /// <summary>Goes to a member at QoS 2 when that is on disk.</summary>
    private readonly record struct Planned(DataGroup.Seat Seat, long Seq, DataMessage Message, bool IsRepeated);
}
