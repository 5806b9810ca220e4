namespace WebMessenger.Auth;

/// <summary>What an operator decides about accounts and signing in. A limit of 0 means none.</summary>
public sealed record AuthOptions
{
    public bool GuestsEnabled { get; init; } = true;

    public bool RegistrationEnabled { get; init; } = true;

    /// <summary>Attempts by password, and guests entering, from one address (IPv6: one /64) in a minute.</summary>
    public int SignInsPerMinutePerAddress { get; init; } = 20;

    public int RegistrationsPerHourPerAddress { get; init; } = 20;
}
