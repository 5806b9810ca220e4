using WebMessenger.Broker.Streams;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <content>One publish: whom it reaches, who pays for what is stored of it, and what became of it.</content>
/// <remarks>Of the one thread that says it.</remarks>
internal sealed partial class DataSpace
{
    // The key of an entry of the data log.
    private const int BytesOfEntry = 40;

    private void Say(DataPublish publish)
    {
        if (publish.Message is not { } message)
        {
            Decide(publish, DataOutcome.Said);
            return;
        }

        if (!publish.MayBeSaid)
        {
            Decide(publish, DataOutcome.NotAllowed);
            return;
        }

        // Whom it reaches says what is stored of it, and that is paid for before anybody hears it.
        var members = Match(message);
        var isOwed = message.QualityOfService > 0 && Log.HasCursors && IsOwed(members);
        if (!publish.TryPay((message.Retain ? Retained!.GrowthOf(message) : 0) + (isOwed ? BytesOfEntry + DataLogRecord.LengthOf(message) : 0)))
        {
            Decide(publish, DataOutcome.OverQuota);
            return;
        }

        var retained = message.Retain ? Retained!.SetAsync(message).AsTask() : _stored;
        if (retained is { IsCompleted: true, Result: RetainedOutcome.Full or RetainedOutcome.NoMemory })
        {
            Decide(publish, OutcomeOf(retained.Result));
            return;
        }

        var logged = Deliver(message, members, isOwed, publish.Received);
        if (retained.IsCompleted && logged is null)
        {
            Decide(publish, OutcomeOf(retained.Result));
        }
        else
        {
            _undecided = null;
            _ = FinishAsync(publish, retained, logged);
        }
    }

    // It is told once, also when that fails.
    private void Decide(DataPublish publish, DataOutcome outcome)
    {
        _undecided = null;
        Pay(publish, outcome);
        publish.Done(outcome, _touched);
    }

    // What is not stored is not paid for.
    private static void Pay(DataPublish publish, DataOutcome outcome)
    {
        if (outcome != DataOutcome.Said)
        {
            publish.GiveBack();
        }
    }

    private void Failed(Exception error)
    {
        if (!_hasToldOfFailure)
        {
            _hasToldOfFailure = true;
            LogPublishFailed(_logger, Room.Id.Value, error);
        }

        if (_undecided is { } publish)
        {
            try
            {
                Decide(publish, DataOutcome.NotStored);
            }
            catch (Exception again) when (again is not OutOfMemoryException)
            {
                LogPublishFailed(_logger, Room.Id.Value, again);
            }
        }
    }

    private static DataOutcome OutcomeOf(RetainedOutcome kept) => kept switch
    {
        RetainedOutcome.Stored => DataOutcome.Said,
        RetainedOutcome.Full => DataOutcome.Full,
        RetainedOutcome.NoMemory => DataOutcome.NoMemory,
        _ => DataOutcome.NotStored,
    };

    private static async Task FinishAsync(DataPublish publish, Task<RetainedOutcome> retained, Task<bool>? logged)
    {
        var outcome = OutcomeOf(await retained);
        if (logged is not null && !await logged)
        {
            outcome = DataOutcome.NotStored;
        }

        Pay(publish, outcome);
        List<IMember> touched = [];
        publish.Done(outcome, touched);
        IMember.FlushAll(touched);
    }

    // Finds those that hear it.
    private int Match(DataMessage message)
    {
        _number++;
        _matched.Clear();
        lock (_treeGate)
        {
            _tree.Match(message.Topic, _matched);
        }

        // Those that hear it, each by the first of its subscriptions, to the front of the list.
        var members = 0;
        for (var i = 0; i < _matched.Count; i++)
        {
            var subscription = _matched[i];
            var isOwn = subscription.NoLocal && message.PublisherMark != 0 && subscription.Member.PublisherMark == message.PublisherMark;
            if (!(/* guard: No Local on data topics */ isOwn) && subscription.Member.Match.Add(_number, subscription))
            {
                _matched[members++] = subscription;
            }
        }

        return members;
    }

    // Null: nothing of it is to be stored. Else whether it was; those who are kept hear it at QoS 2 when it is.
    private Task<bool>? Deliver(DataMessage message, int members, bool isOwed, RecordChange? received)
    {
        long seq = 0;
        var logged = isOwed || received is not null ? Log.Append(isOwed ? message : null, received, out seq) : null;
        DataFrames? frames = null;
        for (var i = 0; i < members; i++)
        {
            Tell(_matched[i].Member, frames ??= new DataFrames(message, Prefix) { Seq = seq });
        }

        frames?.EndSharing();
        _matched.Clear();
        return logged;
    }

    // Whoever throws is at fault himself: the others hear it, and what comes after.
    private void Tell(IDataMember member, DataFrames frames)
    {
        try
        {
            member.Hear(frames, member.Match.Grant(frames.Message), _touched);
        }
        catch (Exception error) when (/* guard: one who hears data does not end the others' */ error is not OutOfMemoryException)
        {
            if (!_hasToldOfFailure)
            {
                _hasToldOfFailure = true;
                LogFailed(_logger, Room.Id.Value, member.GetType().Name, error);
            }
        }
    }

    private bool IsOwed(int members)
    {
        for (var i = 0; i < members; i++)
        {
            if (_matched[i].Member is { IsLogged: true } member && member.Match.QualityOfService > 0)
            {
                return true;
            }
        }

        return false;
    }
}
