using Microsoft.Extensions.Logging;
using WebMessenger.Auth;
using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Durable;
using WebMessenger.Broker.Hosting;
using WebMessenger.Broker.Log;
using WebMessenger.Broker.Reading;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Storing;

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
    StorageQuotas Quotas,
    DiskSpace Space,
    TrafficMemory Memory,
    SubscribeBudgets SubscribeBudgets,
    PublishRefusals PublishRefusals,
    LastWills Wills,
    BrokerLimits Limits,
    bool AllowPlainPasswords,
    TimeProvider Time,
    RefusalLog Refusals,
    ILogger<MqttConnection> Log);
