using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Clients;

/// <content>What devices say, and where the client was.</content>
internal sealed partial class KeptSession
{
    /// <summary>Where the client is in the data logs of rooms. Null: it is not kept.</summary>
    public DataCursors? Data { get; private set; }

    /// <summary>
    /// Changes where the client is in what devices say; not, if another connection has taken over, whose that is from then on.
    /// </summary>
    public void Move(Action<DataCursors> move)
    {
        lock (writer.Gate)
        {
            if (Data is { } data)
            {
                move(data);
            }
        }
    }

    /// <inheritdoc cref="Streams.IMember.WasIn"/>
    public bool WasIn(LogName log)
    {
        lock (writer.Gate)
        {
            return _resuming?.Cursors.ContainsKey(log) == true;
        }
    }

    /// <summary>Set on the thread that numbers, before anything later gets a number.</summary>
    public bool IsElsewhere { get; private set; }

    public void GoElsewhere() => IsElsewhere = true;

    /// <inheritdoc/>
    public bool IsSentElsewhere
    {
        get => field || Leaving is { IsCompleted: true };
        set;
    }

    /// <summary>Completes when the node stops to which the client has come. Null: that is this one.</summary>
    public Task? Leaving { get; init; }

    public void TakenElsewhere() => _ = life.EndAsync(ReasonCode.SessionTakenOver, "Another connection of this account uses this client id.");

    public void LoseMount() => _ = life.EndAsync(ReasonCode.NotAuthorized, "The room that this access token is for is not open to its account.");
}
