using Microsoft.Extensions.Logging;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Durable;
using WebMessenger.Broker.Hosting;
using WebMessenger.Broker.Log;
using WebMessenger.Broker.Reading;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.Connections;

/// <summary>What every connection needs of the rest of the program.</summary>
internal sealed record ConnectionServices(
    ConnectionDirectory Connections,
    AuthInterceptor Interceptor,
    LoginSessions Sessions,
    RoomDirectory Rooms,
    ReadPositions Positions,
    UnreadWatch Unread,
    IRoomLog RoomLog,
    DurableClients Durable,
    PublishBudgets Budgets,
    PublishRefusals Refusals,
    LastWills Wills,
    BrokerLimits Limits,
    bool AllowPlainPasswords,
    TimeProvider Time,
    ILogger<MqttConnection> Log);
