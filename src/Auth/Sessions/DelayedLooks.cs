using System.Diagnostics.CodeAnalysis;

namespace WebMessenger.Auth.Sessions;

/// <summary>
/// Login sessions, each to be looked at so long after it was put here: so the first in is the first due, and who asks sees none but those
/// that are.
/// </summary>
/// <remarks>Thread-safe; <c>_gate</c> is a leaf lock.</remarks>
internal sealed class DelayedLooks(TimeSpan delay)
{
    private readonly Lock _gate = new();
    private Queue<(LoginSession Session, DateTimeOffset Since)> _queue = new();

    public void Add(LoginSession session, DateTimeOffset now)
    {
        lock (_gate)
        {
            _queue.Enqueue((session, now));
        }
    }

    public bool TryTake(DateTimeOffset now, [NotNullWhen(true)] out LoginSession? session)
    {
        lock (_gate)
        {
            session = _queue.TryPeek(out var first) && first.Since + delay <= now ? _queue.Dequeue().Session : null;
            return session is not null;
        }
    }

    /// <summary>Those there are, due or not.</summary>
    public List<LoginSession> All()
    {
        lock (_gate)
        {
            return [.. _queue.Select(look => look.Session)];
        }
    }

    /// <summary>The clock was set by so much.</summary>
    public void Move(TimeSpan by)
    {
        lock (_gate)
        {
            _queue = new(_queue.Select(look => (look.Session, look.Since + by)));
        }
    }
}
