using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>What a client is told that may not come in, or take the place of another one of its account.</summary>
internal static class TakeOver
{
    public const string NotYours =
        "Under this client id a client of the account is kept that may read more than this access token. "
        + "Take another client id, or a token that may read as much.";

    public const string LiveNotYours =
        "Under this client id a client of the account is connected that may do more than this access token. "
        + "Take another client id, or a token that may do as much.";

    /// <summary>Null: it is in.</summary>
    public static Verdict? WhyNot(Naming naming, LoginSession session) => naming switch
    {
        Naming.Done => null,
        Naming.NotYours => Verdict.Refused(ReasonCode.ClientIdentifierNotValid, LiveNotYours),
        Naming.RoomFull => Verdict.Refused(RefusalCode.QuotaExceeded, "The room, or your account there, has as many connected devices as it may have. Close one first."),
        _ => Verdict.Refused(RefusalCode.QuotaExceeded, session.Scope.IsLimited
            ? "This account has as many connections as it may have, or its limited tokens have half of them. Close one first."
            : "This account has as many connections as it may have. Close one first."),
    };
}
