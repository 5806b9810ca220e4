using System.Globalization;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Wire;

/// <summary>A rule that forbids a publish, as its author hears it.</summary>
/// <param name="Code">MQTT 5 reason code.</param>
/// <param name="Reason">For people: what was wrong and what to do.</param>
/// <param name="Notice">
/// Its name: in a notice, where the acknowledgement cannot say it, and as the user property `code` where it says when to come again.
/// </param>
/// <param name="Retry">Seconds after which it may be sent again; 0: not said.</param>
internal sealed record PublishRefusal(byte Code, string Reason, string Notice, int Retry = 0)
{
    /// <summary>When what forbids it is over; null: it has no end, or none that is known.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>An acknowledgement of MQTT 5 says its name, though it says no time to come again: a person can do something else.</summary>
    public bool IsNamed { get; init; }

    /// <summary>The disk is nearly full: to the client as if it were.</summary>
    public static PublishRefusal NoRoom { get; } = new(ReasonCode.QuotaExceeded, "The message could not be stored. Send it again later.", "busy", 60);

    public static PublishRefusal NoSuchRoom { get; } = new(ReasonCode.NotAuthorized, "There is no such room, or it is not open to you.", "not_allowed");

    public static PublishRefusal PayloadTooLong(BrokerLimits limits) =>
        new(ReasonCode.QuotaExceeded, string.Create(CultureInfo.InvariantCulture, $"The payload is longer than {limits.PayloadBytes} bytes."), "payload_too_long");

    public static PublishRefusal BadCommand(string reason) => new(ReasonCode.ImplementationSpecificError, reason, "bad_command");

    public static PublishRefusal OverQuota(TimeSpan wait) => new(
        ReasonCode.QuotaExceeded, "This account has stored as much today as it may. Try again later.", "quota", (int)Math.Ceiling(wait.TotalSeconds));
}
