namespace WebMessenger.Auth.Limits;

/// <summary>What an operator decides about accounts and signing in. A limit of 0 means none.</summary>
/// <remarks>What can be set is read at each use: administrators change it while the program runs.</remarks>
public sealed record AuthOptions
{
    public bool GuestsEnabled { get; set; } = true;

    public bool RegistrationEnabled { get; set; } = true;

    /// <summary>Attempts by password from one address (IPv6: one /64; a /48 has ten times as many) in a minute.</summary>
    public int SignInsPerMinutePerAddress { get; init; } = 20;

    /// <summary>Guests entering from one address in a minute. Beside the attempts by password: neither keeps the other out.</summary>
    public int GuestsPerMinutePerAddress { get; init; } = 20;

    public int RegistrationsPerHourPerAddress { get; init; } = 20;

    /// <summary>Wrong passwords for one user name or e-mail address, from all addresses together that its owner does not use.</summary>
    public int WrongPasswordsPerHourPerAccount { get; init; } = 100;

    /// <summary>User names and e-mail addresses that one account tries to take, whether it gets them or not.</summary>
    public int AccountTriesPerDay { get; init; } = 20;

    /// <summary>In 30 days.</summary>
    public int UserNameChangesPerMonth { get; init; } = 3;

    /// <summary>User names of one account, those it had before included: all of them stay taken.</summary>
    public int UserNamesPerAccount { get; init; } = 10;

    public int DisplayNameChangesPerHour { get; init; } = 10;

    /// <summary>Of browsers. The next one ends the one that was used longest ago.</summary>
    public int LoginSessionsPerAccount { get; set; } = 50;

    public int TokensPerAccount { get; set; } = 100;
}
