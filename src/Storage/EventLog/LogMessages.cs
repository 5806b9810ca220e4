using Microsoft.Extensions.Logging;

namespace WebMessenger.Storage.EventLog;

/// <summary>All that the event log says to the operator. Ids 400–419.</summary>
internal static partial class LogMessages
{
    [LoggerMessage(400, LogLevel.Error, "The event log cannot write: what is sent is refused until it can. It goes on by itself when a full disk has space again; after other faults the program ends, and is to be started again. {Cause}")]
    public static partial void WriteFailed(ILogger logger, string cause);

    [LoggerMessage(401, LogLevel.Error, "What the event log holds of {Log} cannot be read; what is sent to it is refused")]
    public static partial void LogUnreadable(ILogger logger, LogName log, Exception error);

    [LoggerMessage(402, LogLevel.Warning, "The event log could not forget what is old enough")]
    public static partial void SweepFailed(ILogger logger, Exception error);

    [LoggerMessage(403, LogLevel.Error, "The receiver of an event for {Log} failed")]
    public static partial void CompletionThrew(ILogger logger, LogName log, Exception error);

    [LoggerMessage(406, LogLevel.Information, "The data were of version 0.1 and are brought to the format of this one, which 0.1 cannot open. As they were, they are kept in {Copy}; delete that folder when you do not want to go back")]
    public static partial void Migrates(ILogger logger, string copy);

    [LoggerMessage(405, LogLevel.Information, "The event log writes again")]
    public static partial void WritesAgain(ILogger logger);

    [LoggerMessage(407, LogLevel.Warning, "The follower {Follower} cannot go on and tries again every five seconds; nothing is lost: {Reason}")]
    public static partial void FollowerFails(ILogger logger, string follower, string reason);

    [LoggerMessage(408, LogLevel.Information, "The follower {Follower} goes on")]
    public static partial void FollowerGoesOn(ILogger logger, string follower);

    [LoggerMessage(404, LogLevel.Error, "The event log is damaged in {File}: {Damage}. What follows the damage is left out, all rooms get a new epoch; a copy of the files as they were is in {Copy}")]
    public static partial void Damaged(ILogger logger, string file, string damage, string copy);
}
