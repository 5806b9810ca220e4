namespace WebMessenger.Auth.Sessions;

/// <summary>Names a login session for somebody who keeps something of it on disk and asks for it again after a restart.</summary>
/// <param name="PasswordStamp">
/// Of a login session by password: tells whether the account's password is still the one it was opened with, and no ban came between.
/// Empty for other kinds.
/// </param>
public sealed record LoginSessionNote(string Id, string PasswordStamp, DateTimeOffset CreatedAt, DateTimeOffset LastSeen, string? Address);
