namespace WebMessenger.Auth.Sessions;

/// <summary>The end of login sessions for their clients, wherever these are connected.</summary>
public interface IRevocation
{
    /// <summary>
    /// Ends every client of these login sessions. Those that are connected to this program are silenced before the call returns.
    /// The task completes when the last connection is closed, everywhere.
    /// What cannot answer is waited for until it is certain that it serves nobody.
    /// </summary>
    /// <param name="sessions">Ids of login sessions. One that is not known, or has ended already, is no fault.</param>
    Task RevokeAsync(IReadOnlyCollection<string> sessions, RevocationReason reason);
}
