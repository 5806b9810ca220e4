using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Clients;

/// <summary>What every connection needs of the rest of the program.</summary>
internal sealed record ConnectionServices(
    ConnectionDirectory Connections,
    INodes Nodes,
    AuthInterceptor Interceptor,
    LoginSessions Sessions,
    RoomDirectory Rooms,
    RoomMembers Members,
    RoomActs Acts,
    ReadPositions Positions,
    UnreadWatch Unread,
    IEventLog EventLog,
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
    ILogger<Client> Log);
