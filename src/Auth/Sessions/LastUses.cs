using System.Collections.Concurrent;
using WebMessenger.Auth.Limits;

namespace WebMessenger.Auth.Sessions;

/// <summary>When login sessions were used last: noted as they are used, stored from time to time.</summary>
/// <remarks>Thread-safe. Whoever uses a login session says so here; nobody looks for it among all.</remarks>
/// <param name="write">Writes what of these has not ended. Called on the caller's thread, one after the other.</param>
internal sealed class LastUses(TimeProvider time, PresentGuests guests, Func<IReadOnlyCollection<LoginSession>, Task> write)
{
    private static readonly TimeSpan StoreEvery = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan StoreOfConnectedEvery = TimeSpan.FromHours(1);

    // Well under the two minutes after which a guest's nickname is free again.
    private static readonly TimeSpan NoteConnectedEvery = TimeSpan.FromSeconds(30);

    private const int StoredPerWrite = 500;

    private readonly DelayedLooks _connected = new(NoteConnectedEvery);
    private readonly ConcurrentQueue<LoginSession> _unstored = new();

    /// <summary>Somebody uses it now.</summary>
    public void Note(LoginSession session) => Note(session, time.GetUtcNow());

    /// <summary>A client of it has come, or the last one has gone.</summary>
    public void UseChanged(LoginSession session)
    {
        var now = time.GetUtcNow();
        Note(session, now);
        if (session.HasClients && session.TryNote(Look.Use))
        {
            _connected.Add(session, now);
        }
    }

    /// <summary>Notes those that are connected and were not noted for a while. Returns how many were looked at.</summary>
    public int NoteConnected(DateTimeOffset now)
    {
        var looked = 0;
        while (_connected.TryTake(now, out var session))
        {
            looked++;
            session.StrikeOut(Look.Use);

            // Struck out first: a client that comes right now is seen by one of the two.
            if (session.HasClients)
            {
                Note(session, now);
                if (session.TryNote(Look.Use))
                {
                    _connected.Add(session, now);
                }
            }
        }

        return looked;
    }

    /// <summary>Stores what was noted and has grown old enough to be worth it. Called about once a minute.</summary>
    public async Task StoreAsync()
    {
        var now = time.GetUtcNow();
        foreach (var session in _connected.All().Where(session => session.HasClients))
        {
            Note(session, now);
        }

        List<LoginSession> due = [];
        for (var left = _unstored.Count; left > 0 && _unstored.TryDequeue(out var session); left--)
        {
            session.StrikeOut(Look.Store);
            if (session.LastSeen - session.StoredLastSeen >= (session.HasClients ? StoreOfConnectedEvery : StoreEvery))
            {
                due.Add(session);
            }
            else if (session.LastSeen > session.StoredLastSeen && !session.IsRevoked)
            {
                MarkUnstored(session);
            }
        }

        await StoreAsync(due);
    }

    /// <summary>The clock was set by so much, and all of these moved with it.</summary>
    public Task MoveAsync(TimeSpan by, IReadOnlyCollection<LoginSession> sessions)
    {
        _connected.Move(by);
        return StoreAsync([.. sessions.Where(session => session.Kind != LoginSessionKind.Password)]);
    }

    private void Note(LoginSession session, DateTimeOffset now)
    {
        session.LastSeen = now;
        session.Account.LastPresent = now;
        if (session.Account.IsGuest)
        {
            guests.Note(session.Account.Id);
        }

        MarkUnstored(session);
    }

    private void MarkUnstored(LoginSession session)
    {
        if (session.Kind != LoginSessionKind.Password && session.TryNote(Look.Store))
        {
            _unstored.Enqueue(session);
        }
    }

    private async Task StoreAsync(List<LoginSession> sessions)
    {
        // In small writes, so that a message does not wait behind all of them.
        for (var done = 0; done < sessions.Count; done += StoredPerWrite)
        {
            var some = sessions.Skip(done).Take(StoredPerWrite).Select(session => (Session: session, session.LastSeen)).ToList();
            try
            {
                await write(some.ConvertAll(one => one.Session));
            }
            catch
            {
                foreach (var session in sessions.Skip(done))
                {
                    MarkUnstored(session);
                }

                throw;
            }

            some.ForEach(one => one.Session.StoredLastSeen = one.LastSeen);
        }
    }
}
