namespace WebMessenger.Broker.MqttSessions;

/// <content>A client goes over from one connection to the next, on this node or from another.</content>
internal sealed partial class DurableClients
{
    /// <summary>A CONNECT waits this long for publishes of the connection it takes over from.</summary>
    private static readonly TimeSpan TakeOverTime = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Gives a connection that was admitted its MQTT session: what is kept of it, unless it starts clean.
    /// Throws <see cref="IOException"/> when the store cannot write.
    /// </summary>
    /// <param name="expiry">Seconds it is granted; 0: it is not durable.</param>
    /// <param name="will">What is to be said if the client is lost; null: nothing.</param>
    /// <returns>
    /// The client, if it is durable or was until now.
    /// With <see cref="SessionOpening.Present"/> it says what it subscribed to, and where it is.
    /// </returns>
    public async Task<(SessionOpening Opening, DurableClient? Kept)> OpenAsync(
        IResumable connection, bool isClean, uint expiry, LastWill? will)
    {
        var accountId = connection.Session!.Account.Id;
        if (expiry == 0 && !Has(accountId, connection.ClientId))
        {
            return (SessionOpening.New, null);
        }

        await PublishesDecidedAsync(accountId, connection.ClientId);
        (SessionOpening Opening, DurableClient? Kept, Task Written) found;
        var fence = _shared is null ? null : await _shared.TakeAsync(accountId, connection.ClientId);
        lock (_gate)
        {
            found = _lives.Open(connection, isClean, expiry, will, fence);
            if (fence is not null && found.Opening is SessionOpening.TooMany or SessionOpening.Ended)
            {
                _shared!.GiveBack(accountId, connection.ClientId, fence!);
            }
        }

        await found.Written;
        return (found.Opening, found.Kept);
    }

    // What the client sent last is stored or refused before the client, here again, sends it a second time.
    // Nobody could say yet whether that is a repetition.
    private async Task PublishesDecidedAsync(string accountId, string clientId)
    {
        Task? limit = null;
        while (PublishesOf(accountId, clientId) is { IsCompleted: false } decided)
        {
            limit ??= Task.Delay(TakeOverTime, _time);
            if (await Task.WhenAny(decided, limit) == limit)
            {
                throw new IOException("What the client published on its last connection is still at the store.");
            }
        }
    }

    private Task? PublishesOf(string accountId, string clientId)
    {
        lock (_gate)
        {
            var client = _index.Find(accountId, clientId);
            return (client?.Connection ?? client?.Publishing)?.PublishesDrained();
        }
    }
}
