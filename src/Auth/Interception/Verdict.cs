namespace WebMessenger.Auth.Interception;

/// <summary>
/// An answer to one of the four questions: may connect, may subscribe, may publish, may receive. The default value is *no*.
/// </summary>
/// <param name="Code">An MQTT 5 reason code (MQTT 5.0, 2.4); 0 only when allowed.</param>
/// <param name="Reason">For people: what was wrong and what to do.</param>
public readonly record struct Verdict(bool IsAllowed, byte Code, string Reason)
{
    public static Verdict Allowed { get; } = new(true, 0, "");

    public static Verdict Refused(byte code, string reason) => new(false, code, reason);
}

/// <summary>The MQTT 5 reason codes with which the interceptor refuses (MQTT 5.0, 2.4).</summary>
public static class RefusalCode
{
    public const byte UnspecifiedError = 0x80;
    public const byte BadUserNameOrPassword = 0x86;
    public const byte NotAuthorized = 0x87;
    public const byte ServerBusy = 0x89;
    public const byte Banned = 0x8A;
    public const byte BadAuthenticationMethod = 0x8C;
    public const byte TopicFilterInvalid = 0x8F;
    public const byte TopicNameInvalid = 0x90;
    public const byte QuotaExceeded = 0x97;
    public const byte SharedSubscriptionsNotSupported = 0x9E;
    public const byte ConnectionRateExceeded = 0x9F;
}
