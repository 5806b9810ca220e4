using System.Text;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <content>Reading and writing. On the thread pool, and under no lock.</content>
internal sealed partial class RetainedValues
{
    private const int RecordsAtOnce = 100;

    private Task _saving = Task.CompletedTask;
    private bool _isSaving;
    private int _hasToldOfReading;
    private int _hasToldOfWriting;

    /// <summary>All values that were set so far are on disk, or the disk takes nothing.</summary>
    public async Task SaveAsync()
    {
        Task saving;
        lock (_gate)
        {
            Save();
            saving = _saving;
        }

        await saving;
    }

    /// <summary>The same, with what the next ten minutes would have written.</summary>
    public Task SaveAllAsync()
    {
        lock (_gate)
        {
            _lines.WantAll();
        }

        return SaveAsync();
    }

    /// <summary>The room was deleted, perhaps by an earlier run of the program. May be called twice.</summary>
    /// <exception cref="IOException">Not all is off the disk.</exception>
    public async Task ForgetAsync()
    {
        Close();
        await SaveAsync();

        // Each page from the last key on: from the prefix on it would read over all that was deleted just now.
        for (byte[] last = [];
             await Task.Run(() => records.ReadPage(_prefix, last, RecordsAtOnce)) is { Count: > 0 } page;
             last = page[^1].Key)
        {
            await records.WriteAsync([.. page.Select(record => new RecordChange(record.Key, null)), RetainedRecord.NoteReplaced()]);
        }

        await /* guard: sparklines of a deleted room */ _lines.ForgetAsync(records);
    }

    private bool Open()
    {
        RetainedTree tree = new();
        var (count, bytes, beside) = (0, 0L, 0L);
        try
        {
            for (byte[] last = []; records.ReadPage(_prefix, last, RecordsAtOnce) is { Count: > 0 } page; last = page[^1].Key)
            {
                foreach (var (key, record) in page.Where(one => RetainedRecord.IsKnown(one.Value)))
                {
                    var topic = Encoding.UTF8.GetString(key.AsSpan(_prefix.Length));
                    var node = tree.FindOrAdd(topic);
                    node.Value = record;
                    _expiring.Put(node, record);
                    var (more, besideIt) = (SizeOf(topic, record), RetainedMemory.BesideOf(topic));
                    memory.Take(more + besideIt);
                    (count, bytes, beside) = (count + 1, bytes + more, beside + besideIt);
                }

                if (/* guard: memory of retained values that are read */ !memory.HasRoomForRoom(bytes + beside))
                {
                    return Opened(null, count, bytes, beside);
                }

                if (!(/* guard: an account's share of what is read of retained values */ memory.HasShareForRoom(Holding, bytes + beside)))
                {
                    Volatile.Write(ref _refused, time.GetTimestamp());
                    return Opened(null, count, bytes, beside);
                }
            }

            if (!_lines.AreRead)
            {
                _lines.Read(records, topic => tree.Find(topic)?.Value is not null, Now);
            }
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            if (Interlocked.Exchange(ref _hasToldOfReading, 1) == 0)
            {
                LogUnreadable(logger, roomKey, error.Message);
            }

            return Opened(null, count, bytes, beside);
        }

        return Opened(tree, count, bytes, beside);
    }

    /// <param name="tree">Null: they do not come into memory.</param>
    private bool Opened(RetainedTree? tree, int count, long bytes, long beside)
    {
        lock (_gate)
        {
            _opening = null;
            if (tree is null || _isGone)
            {
                memory.Give(bytes + beside);
                _expiring.Clear();
                if (!_lines.AreRead || _isGone)
                {
                    _lines.Clear();
                }

                while (_early.TryDequeue(out var early))
                {
                    early.Told.SetResult(RetainedOutcome.NotStored);
                }

                return false;
            }

            (_tree, _count, _bytes, _beside, _refused) = (tree, count, bytes, beside, 0);
            Holding.Add(bytes + beside);
            _lines.AreRead = true;
            while (_early.TryDequeue(out var early))
            {
                Forward(Set(early.Message), early.Told);
            }

            return true;
        }
    }

    private static void Forward(ValueTask<RetainedOutcome> outcome, TaskCompletionSource<RetainedOutcome> told) =>
        _ = outcome.AsTask().ContinueWith(
            static (done, told) => ((TaskCompletionSource<RetainedOutcome>)told!).SetResult(Late(done.Result)),
            told, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    // Others have heard it by now, and what the publisher is told of a room that is full would be of no use.
    private static RetainedOutcome Late(RetainedOutcome outcome) => outcome is RetainedOutcome.Full or RetainedOutcome.NoMemory ? RetainedOutcome.NotStored : outcome;

    // Under the gate. What the disk refused while the room was deleted waits for nothing any more.
    private void Save()
    {
        if (!_isSaving && !_isGone && (_unsaved.AreWaiting || _lines.AreDue))
        {
            _isSaving = true;
            _saving = Task.Run(WriteAsync);
        }
    }

    // One write after the other, until nothing waits.
    private async Task WriteAsync()
    {
        while (TakeUnsaved() is { } taken)
        {
            var (values, lines) = taken;
            List<RecordChange> changes = [.. _lines.ChangesOf(lines)];
            var replaces = lines.Gone.Count > 0;
            foreach (var (topic, one) in values)
            {
                changes.Add(new RecordChange(RetainedRecord.KeyOf(_prefix, topic), one.Value));
                replaces |= one.OnDisk is not null;
            }

            if (replaces)
            {
                changes.Add(RetainedRecord.NoteReplaced());
            }

            var isWritten = await TryWriteAsync(changes);
            lock (_gate)
            {
                if (isWritten)
                {
                    _unsaved.SetWritten();
                }
                else
                {
                    GoBack();
                    _lines.SetRefused(lines);

                    // Tried again with the next sweep, or with what is set next.
                    _isSaving = false;
                }
            }

            foreach (var one in values.Values)
            {
                one.Tell(isWritten ? RetainedOutcome.Stored : RetainedOutcome.NotStored);
            }

            if (!isWritten)
            {
                return;
            }
        }
    }

    // Null: nothing waits, and whoever sets something from here on has it written.
    private (IReadOnlyDictionary<string, UnsavedValue> Values, LinesToWrite Lines)? TakeUnsaved()
    {
        lock (_gate)
        {
            _isSaving = _unsaved.AreWaiting || _lines.AreDue;
            return _isSaving ? (_unsaved.Take(), _lines.TakeDue()) : null;
        }
    }

    private async Task<bool> TryWriteAsync(List<RecordChange> changes)
    {
        try
        {
            await records.WriteAsync(changes);
            Volatile.Write(ref _hasToldOfWriting, 0);
            return true;
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            // Once, not each time that it is tried.
            if (Interlocked.Exchange(ref _hasToldOfWriting, 1) == 0)
            {
                LogUnwritten(logger, roomKey, error.Message);
            }

            return false;
        }
    }

    // Under the gate. Whoever set it is told that it was not stored: nobody finds it any more.
    private void GoBack()
    {
        foreach (var (topic, one) in _unsaved.SetRefused())
        {
            if (_tree is { } tree)
            {
                var node = tree.Find(topic);
                Change(topic, node, node?.Value, one.OnDisk);
            }
        }
    }

    [LoggerMessage(4310, LogLevel.Error, "The values of the data topics of room {Room} cannot be read: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string room, string reason);

    [LoggerMessage(4311, LogLevel.Warning,
        "Values of data topics of room {Room} could not be stored. Those of QoS 0 are tried again each second: {Reason}")]
    private static partial void LogUnwritten(ILogger logger, string room, string reason);
}
