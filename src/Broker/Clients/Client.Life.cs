using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <content>Its end, as its parts know it.</content>
internal sealed partial class Client
{
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
