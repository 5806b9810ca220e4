using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Devices;

/// <content>What is appended goes to disk, and what nobody is owed leaves it.</content>
internal sealed partial class DataLog
{
    /// <summary>
    /// Completes when an entry is on disk, or never will be. A client that is sent an entry at QoS 1 may be gone and back before.
    /// </summary>
    public async Task WhenStoredAsync(long seq)
    {
        while (NextStored(seq) is { } next)
        {
            await next;
        }
    }

    // Null: there is nothing to wait for. A log that is not open has given no seq in this run of the program.
    private Task? NextStored(long seq)
    {
        lock (_gate)
        {
            return _isOpen && seq > _stored ? (_nextStored ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task : null;
        }
    }

    // Handed over before it returns.
    private async Task WriteAsync(
        Task before, List<RecordChange> batch, List<(long Seq, int Bytes, long At)> entries, long head, HashSet<ILogCursor> waiting,
        TaskCompletionSource<bool> told)
    {
        var isWritten = true;
        try
        {
            await records.WriteAsync(batch);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            isWritten = false;
        }

        await before;
        TaskCompletionSource? stored = null;
        if (entries.Count > 0)
        {
            lock (_gate)
            {
                (stored, _nextStored) = (_nextStored, null);
                foreach (var (seq, bytes, at) in isWritten ? entries : [])
                {
                    _chunks.Add(seq, bytes, at);
                }

                Volatile.Write(ref _stored, Math.Max(_stored, head));
                Trim(0);
            }
        }

        stored?.SetResult();
        told.SetResult(isWritten);
        foreach (var cursor in waiting)
        {
            cursor.Stored();
        }
    }

    // Under the gate. Removes whole stretches, the oldest first.
    private void Trim(long firstNeeded)
    {
        var oldest = limits.DataLogHours is > 0 and var hours ? time.GetUtcNow().AddHours(-hours).ToUnixTimeMilliseconds() : long.MinValue;

        // A room that is gone gives no seq any more, and leaves no head behind.
        List<RecordChange> changes = _isGone ? [RetainedRecord.NoteReplaced()] : [.. DataLogRecord.NoteRemoved(roomKey, Stored)];
        var notes = changes.Count;
        long last = 0;
        while (!_chunks.IsEmpty && (_chunks.Oldest.Last < firstNeeded || _chunks.Oldest.LastAt < oldest || IsOver))
        {
            var chunk = _chunks.Oldest;
            last = chunk.Last;
            for (var seq = chunk.First; seq <= chunk.Last; seq++)
            {
                changes.Add(new RecordChange(DataLogRecord.KeyOf(_prefix, seq), null));
            }

            _chunks.RemoveOldest();
        }

        if (changes.Count == notes)
        {
            return;
        }

        // In one order with it: a client is behind what is gone, or says where it is.
        var dropped = false;
        foreach (var cursor in _cursors)
        {
            dropped |= cursor.Trimmed(last);
        }

        if (dropped && Interlocked.Exchange(ref _hasToldOfDropping, 1) == 0)
        {
            LogDropped(logger, roomKey);
        }

        _ = RemoveAsync(changes);
    }

    // Under the gate.
    private bool IsOver =>
        /* guard: entries of a room's data log */ (limits.DataLogPerRoom > 0 && _chunks.Count > limits.DataLogPerRoom)
        || /* guard: bytes of a room's data log */ (limits.DataLogMegabytesPerRoom > 0 && _chunks.Bytes > (long)limits.DataLogMegabytesPerRoom << 20);

    // What could not be removed is found at the next start, and removed then.
    private async Task RemoveAsync(List<RecordChange> changes)
    {
        try
        {
            await records.WriteInPartsAsync(changes);
        }
        catch (Exception error) when (error is IOException or ObjectDisposedException)
        {
            LogNotRemoved(logger, roomKey, error.Message);
        }
    }
}
