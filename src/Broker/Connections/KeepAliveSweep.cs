using Microsoft.Extensions.Hosting;
using WebMessenger.Broker.Durable;
using WebMessenger.Broker.Mqtt;
using WebMessenger.Broker.Reading;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Connections;

/// <summary>
/// Once a second: closes connections that have been silent for too long, lets every room and what is unread say what is due, and stores where durable clients are. One
/// sweep instead of a timer each.
/// </summary>
internal sealed class KeepAliveSweep(
    ConnectionDirectory connections,
    ConnectionLimits limits,
    PublishBudgets budgets,
    PublishRefusals refusals,
    LastWills wills,
    RoomDirectory rooms,
    UnreadWatch unread,
    DurableClients durable,
    TimeProvider time) : BackgroundService
{
    /// <summary>How long a client that is behind may go without taking anything.</summary>
    private static readonly TimeSpan StuckTime = TimeSpan.FromSeconds(60);

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
        var now = time.GetTimestamp();
        foreach (var connection in connections.All)
        {
            if (connection.IsStuckFor(stuckTime))
            {
                _ = connection.EndAsync(ReasonCode.QuotaExceeded, "Nothing was acknowledged for a minute while messages wait. Connect again and catch up.");
            }

            // [MQTT-3.1.2-22] One and a half times the keep-alive time.
            if (connection.KeepAliveSeconds > 0 && time.GetElapsedTime(connection.LastHeard, now).TotalSeconds > connection.KeepAliveSeconds * 1.5)
            {
                _ = connection.EndAsync(ReasonCode.KeepAliveTimeout, "Nothing was heard within the keep-alive time.");
            }
        }

        foreach (var room in rooms.All)
        {
            room.Sweep();
        }

        unread.Sweep();
        durable.Sweep();
        wills.SayDue();
        limits.Sweep();
        budgets.Sweep(connections);
        refusals.Sweep();
    }
}
