namespace WebMessenger.Broker.Limits;

/// <summary>Which accounts have a client that is connected. Thread-safe.</summary>
internal interface IConnectedAccounts
{
    bool IsConnected(string accountId);
}
