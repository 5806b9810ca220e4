namespace WebMessenger.Broker.Clients;

/// <summary>What a client is told that may not take the place of another one of its account.</summary>
internal static class TakeOver
{
    public const string NotYours =
        "Under this client id a client of the account is kept that may read more than this access token. "
        + "Take another client id, or a token that may read as much.";

    public const string LiveNotYours =
        "Under this client id a client of the account is connected that may do more than this access token. "
        + "Take another client id, or a token that may do as much.";
}
