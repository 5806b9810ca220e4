using System.Diagnostics;
using Microsoft.Extensions.Logging;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Postgres;

/// <summary>How the writer stands with the database: it writes, waits for it to come back, or may not go on at all.</summary>
/// <remarks>The writer's own; <see cref="Health"/> is for anybody.</remarks>
internal sealed class PgStanding(PgSession session, ILogger logger)
{
    private long _failingSince;

    public LogHealth Health { get; } = new();

    /// <summary>From a fault until something was written.</summary>
    public bool IsFailing { get; private set; }

    public TimeSpan FailingFor => Stopwatch.GetElapsedTime(_failingSince);

    /// <summary>This node writes nothing any more.</summary>
    public bool IsLost => LostBecause is not null;

    /// <summary>Why; null: it is not lost.</summary>
    public string? LostBecause { get; private set; }

    public void Fail(Exception error)
    {
        session.Close();
        if (!IsFailing)
        {
            IsFailing = true;
            _failingSince = Stopwatch.GetTimestamp();
            Health.IsWriting = false;
            PgLogMessages.WriteFailed(logger, PgErrors.Line(error));
        }
    }

    /// <summary>Something was written.</summary>
    public void GoOn()
    {
        if (IsFailing)
        {
            IsFailing = false;
            Health.IsWriting = !IsLost;
            PgLogMessages.WritesAgain(logger);
        }
    }

    /// <summary>Perhaps nobody sends anything, and a supervisor waits.</summary>
    public void Probe()
    {
        try
        {
            session.Probe();
            GoOn();
        }
        catch (Exception error) when (session.IsFault(error))
        {
            session.Close();
        }
    }

    /// <param name="cause">Without a full stop. Whoever waits for <see cref="LogHealth.Lost"/> says it, once for all parts of a
    /// node.</param>
    public void Lose(string cause)
    {
        if (!IsLost)
        {
            LostBecause = cause;
            Health.IsWriting = false;
            Health.Lose(cause);
        }
    }
}
