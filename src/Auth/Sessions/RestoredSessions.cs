using WebMessenger.Storage.EventLog;

namespace WebMessenger.Auth.Sessions;

/// <summary>Login sessions of a backup that was restored and not started yet.</summary>
public static class RestoredSessions
{
    /// <summary>They live on, though some may have ended since the backup.</summary>
    public static Task KeepAllAsync(IEventLog log, IRecords records) => SessionStore.KeepAllAsync(log, records);

    /// <summary>The first start ends those of browsers and passwords.</summary>
    public static Task EndAllAtStartAsync(IEventLog log, IRecords records) => SessionStore.EndAllAtStartAsync(log, records);
}
