using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <content>Its end, as its parts know it.</content>
internal sealed partial class Client
{
    private async Task HandOverAsync(OtherNode elsewhere)
    {
        if (await elsewhere.TryHandOverAsync())
        {
            // Whether the client is alive the other node watches.
            KeepAliveSeconds = 0;
            return;
        }

        RefuseAdmitted(ReasonCode.ServerUnavailable, "No node has the data topics just now. Connect again in a moment.");
    }

    // What is kept of the client at the home of the data comes as it comes, and what a clean start ends ends there too.
    private void BeginRelay()
    {
        if (_relay is { IsUsed: true } relay
            && (Kept.IsCleanStart ? _services.Durable.Has(Account.Id, SessionName.OfData(ClientId)) : Kept.IsDurable))
        {
            _ = relay.BeginAsync();
        }
    }

    void ILife.Abort() => Transport.Abort();

    void ILife.TooSlow()
    {
        if (_services.Refusals.Try("connections closed for not keeping up", Transport.RemoteEndPoint?.Address))
        {
            LogTooSlow(_services.Log, Name, ClientId);
        }

        _ = EndAsync(ReasonCode.QuotaExceeded, "Too many messages wait for this client's acknowledgements.");
    }

    private async Task CloseTransportAsync(bool isStalled, TaskCompletionSource ended)
    {
        try
        {
            await Goodbye.CloseAsync(Transport, isStalled, _wasRevoked, _services.Time);
        }
        finally
        {
            ended.SetResult();
        }
    }

    [LoggerMessage(3001, LogLevel.Information, "Connection {Connection} ({ClientId}) is closed: it does not keep up with what is delivered to it")]
    private static partial void LogTooSlow(ILogger log, string connection, string clientId);
}
