using Microsoft.Extensions.Logging;

namespace WebMessenger.Storage.EventLog;

/// <summary>Tells appends what became of them, for the thread that writes; the same over every store.</summary>
internal sealed class AppendCompletion(ILogger logger)
{
    public void Complete(PendingAppend append, AppendOutcome outcome, long seq = 0, long at = 0, string epoch = "")
    {
        try
        {
            append.Complete(outcome, seq, DateTimeOffset.FromUnixTimeMilliseconds(at), epoch);
        }
        catch (Exception error)
        {
            // What one caller does wrong must not stop the log for all.
            LogMessages.CompletionThrew(logger, append.Log, error);
        }
    }

    /// <summary>As was decided on each. Who is to go on is told by <see cref="Proceed"/>.</summary>
    public void Complete(ReadOnlySpan<PendingAppend> work, LogBatch.Decision[] decisions)
    {
        for (var i = 0; i < work.Length; i++)
        {
            ref readonly var decision = ref decisions[i];
            Complete(work[i], decision.Outcome, decision.Seq, decision.At, decision.Epoch);
        }
    }

    /// <summary>Who is woken finds all that was written for it, instead of the first and then the rest.</summary>
    /// <param name="mayWork">See <see cref="PendingAppend.Proceed"/>.</param>
    public static void Proceed(ReadOnlySpan<PendingAppend> work, bool mayWork)
    {
        foreach (var append in work)
        {
            append.Proceed(mayWork);
        }
    }

    public void Refuse(ReadOnlySpan<PendingAppend> appends)
    {
        foreach (var append in appends)
        {
            Complete(append, AppendOutcome.StoreFailed);
            append.Proceed(mayWork: false);
        }
    }
}
