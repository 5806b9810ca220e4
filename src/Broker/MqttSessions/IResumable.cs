using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Rooms;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>
/// A connection of a client whose MQTT session may outlive it.
/// Thread-safe; nothing in it blocks, and it takes the client's write lock and leaves below it (docs/architecture.md, Locks).
/// </summary>
internal interface IResumable
{
    Account Account { get; }

    /// <summary>Null: it was never admitted.</summary>
    LoginSession? Session { get; }

    /// <summary>Names its MQTT session within the account; see <see cref="SessionName"/>.</summary>
    string ClientId { get; }

    /// <summary>Seconds that the MQTT session lives on after this connection; 0: it ends with it.</summary>
    uint SessionExpiry { get; }

    /// <summary>This house has closed it to have the client come to another node: that is no loss of the client.</summary>
    bool IsSentElsewhere => false;

    /// <summary>
    /// Where the client is. Null: not known here any more, or, with <paramref name="onlyChanged"/>, as it was asked for last.
    /// The first change after it was asked for changes is told at once (<see cref="DurableClients.Moved"/>).
    /// </summary>
    DurablePosition? Position(bool onlyChanged = false);

    /// <summary>
    /// Where the client is, for whoever keeps it from now on; the connection must have been silenced. Null: somebody has it already.
    /// </summary>
    DurablePosition? HandOverPosition();

    /// <summary>The account has lost the room that is the client's whole world: the connection ends. Outside of all locks.</summary>
    void LoseMount();

    /// <summary>
    /// Another node has the client: nothing of this connection gets a number any more that the client may send there again.
    /// Also of one that is over and left something at the store. On the thread that numbers; must not block.
    /// </summary>
    void GoElsewhere()
    {
        // A house of one calls nobody away.
    }

    /// <summary>The client is with another node by now, which this one hears late: the connection ends. Outside of all locks.</summary>
    void TakenElsewhere() => LoseMount();

    /// <summary>Completes when what the client published is decided on.</summary>
    Task PublishesDrained();

    /// <summary>
    /// The QoS 2 publishes that the client has not released, of those that were stored: what failed, or was refused, it may send again.
    /// </summary>
    IReadOnlyDictionary<ushort, ulong> Received();

    /// <summary>
    /// The connection is over: the will that is to be said for it, once;
    /// null if there is none, or the client said goodbye, or its login session was ended.
    /// </summary>
    LastWill? TakeWill();

    /// <summary>The client is back on another connection: a will that was to wait for that is not said [MQTT-3.1.3-9].</summary>
    void DropDelayedWill();
}

/// <summary>The connections that MQTT sessions are about. Thread-safe.</summary>
internal interface IResumables
{
    /// <summary>Whether no other connection has taken this one's client id.</summary>
    bool IsCurrent(IResumable connection);

    /// <summary>
    /// The account has lost the room: in a house of several nodes connections whose whole world it is end, also those that are not kept.
    /// One node refuses them whatever they ask. Outside of all locks.
    /// </summary>
    void LoseMount(string accountId, Room room);

    /// <summary>A notice to the account's clients that listen to their inbox.</summary>
    void Notify(string accountId, string code, string text, string topic);
}
