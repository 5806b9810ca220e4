using WebMessenger.Auth.Interception;
using WebMessenger.Auth.Limits;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.ReadMarks;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;
using WebMessenger.Storage.Replication;

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
    MessageActs MessageActs,
    Mentions Mentions,
    Conversations Conversations,
    ConversationActs ConversationActs,
    Sayings Sayings,
    Typing Typing,
    ReadPositions Positions,
    UnreadWatch Unread,
    IEventLog EventLog,
    DurableClients Durable,
    DataSpaces Data,
    ServerTopics Server,
    DeviceTraces Traces,
    PublishBudgets Budgets,
    StorageQuotas Quotas,
    DataQuotas DataQuotas,
    DiskSpace Space,
    TrafficMemory Memory,
    SubscribeBudgets SubscribeBudgets,
    PublishRefusals PublishRefusals,
    LastWills Wills,
    BrokerLimits Limits,
    bool AllowPlainPasswords,
    ushort MaximumKeepAlive,
    TimeProvider Time,
    RefusalLog Refusals,
    ILogger<Client> Log,
    DataHome? Home = null)
{
    /// <summary>Without it nothing is written to clients; null: this node is alone, and always may.</summary>
    public ILease? Lease { get; init; }

    public IReplication Replication { get; init; } = NoReplication.Instance;

    /// <summary>Does what a client asks for by another command than a message to a room. When it completes, it is on disk, or
    /// refused.</summary>
    public Task<ActResult> ActAsync(PublishTarget target, AskedAct asked) =>
        target.Room is not { } room ? InConversationAsync(target, asked)
        : asked.Command.Act is MessageAct ? MessageActs.ActAsync(room, asked)
        : Replication.IsAlone ? Acts.ActAsync(room, asked)
        : EverywhereAsync(room, asked);

    // Whom it concerns is silent on every node before it is answered.
    private async Task<ActResult> EverywhereAsync(Room room, AskedAct asked)
    {
        var done = await Acts.ActAsync(room, asked);
        await (/* guard: who is put out is silent on every node */ Replication.EverywhereAsync());
        return done;
    }

    private async Task<ActResult> InConversationAsync(PublishTarget target, AskedAct asked)
    {
        var account = asked.Session.Account;
        var conversation = target.Recipient is { } to ? Rooms.InboxOf(account).With(to)
            : await Task.Run(() => Conversations.Find(account, target.Topic.Name));
        return conversation is null ? new ActResult(PublishTarget.NobodyThere)
            : asked.Command.Act is null ? await Sayings.SayAsync(conversation, asked.Command, asked.Session)
            : await ConversationActs.ActAsync(conversation, asked);
    }
}
