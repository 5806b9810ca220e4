using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Transports;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// Once a second: closes connections that have been silent for too long, lets every room and what is unread say what is due, and stores
/// where durable clients are. One sweep instead of a timer each.
/// </summary>
internal sealed partial class KeepAliveSweep(
    ConnectionDirectory connections,
    ConnectionLimits limits,
    OpenSockets sockets,
    PublishBudgets budgets,
    TrafficMemory memory,
    SubscribeBudgets subscribeBudgets,
    PublishRefusals refusals,
    LastWills wills,
    RoomDirectory rooms,
    HereRecords here,
    UnreadWatch unread,
    DurableClients durable,
    DataSpaces data,
    DeviceTraces traces,
    RefusalLog closed,
    TimeProvider time,
    ILogger<KeepAliveSweep> log) : BackgroundService
{
    /// <summary>How long a client that is behind may go without taking anything.</summary>
    private static readonly TimeSpan StuckTime = TimeSpan.FromSeconds(60);

    /// <summary>The same when more waits for all clients together than should.</summary>
    private static readonly TimeSpan TightStuckTime = TimeSpan.FromSeconds(2);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            Sweep(StuckTime);
        }
    }

    internal void Sweep(TimeSpan stuckTime)
    {
        var (now, date) = (time.GetTimestamp(), time.GetUtcNow());
        foreach (var connection in connections.All)
        {
            if (/* guard: who takes nothing is closed */ connection.Writer.IsStuckFor(stuckTime))
            {
                _ = connection.EndAsync(ReasonCode.QuotaExceeded, "Nothing was acknowledged for a minute while messages wait. Connect again and catch up.");
            }

            if (/* guard: a certificate ends while connected */ connection.Certificate?.IsOverAt(date) == true)
            {
                _ = connection.EndAsync(ReasonCode.NotAuthorized, "This client certificate has ended. Pin another one to the token.");
            }

            // [MQTT-3.1.2-22] One and a half times the keep-alive time. Who is not read cannot be heard.
            if (connection.KeepAliveSeconds > 0
                && (/* guard: who is not read is not taken for dead */ !connection.IsUnread) && time.GetElapsedTime(connection.LastHeard, now).TotalSeconds > connection.KeepAliveSeconds * 1.5)
            {
                _ = connection.EndAsync(ReasonCode.KeepAliveTimeout, "Nothing was heard within the keep-alive time.");
            }
        }

        Relieve(stuckTime < TightStuckTime ? stuckTime : TightStuckTime);
        IRoomClients clients = connections;
        here.Sweep();
        foreach (var room in rooms.All)
        {
            foreach (var accountId in room.Sweep())
            {
                clients.Place(accountId, room, replay: true);
            }
        }

        unread.Sweep();
        durable.Sweep();
        data.Sweep();
        traces.Sweep();
        wills.SayDue();
        limits.Sweep();
        sockets.Sweep();
        budgets.Sweep(connections);
        subscribeBudgets.Sweep(connections);
        refusals.Sweep();
    }

    // Those for whom most waits go first, and only those who take nothing: a crowd that is slow together keeps its connections.
    private void Relieve(TimeSpan stuckTime)
    {
        if (/* guard: what waits for all clients together */ !memory.Outgoing.IsFull)
        {
            return;
        }

        var excess = memory.Outgoing.Now - (memory.Outgoing.Bound * 3 / 4);
        var stuck = connections.All.Where(connection => connection.Writer.IsStuckFor(stuckTime));
        foreach (var connection in stuck.OrderByDescending(connection => connection.Writer.WaitingBytes))
        {
            if (excess <= 0)
            {
                break;
            }

            excess -= connection.Writer.WaitingBytes;
            if (closed.Try("connections closed because they do not read and too much waits in all", connection.Transport.RemoteEndPoint?.Address))
            {
                LogRelieved(log, connection.Name, connection.ClientId);
            }

            _ = connection.EndAsync(ReasonCode.QuotaExceeded, "Too much waits for clients that do not read. Connect again and catch up.");
        }
    }

    [LoggerMessage(3050, LogLevel.Warning,
        "Connection {Connection} ({ClientId}) is closed: it does not read, and more waits in all than WebMessenger:Limits:OutgoingMegabytes allows")]
    private static partial void LogRelieved(ILogger log, string connection, string clientId);
}
