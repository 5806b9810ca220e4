using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>How what is kept of a client begins, goes over to the client's next connection, and ends.</summary>
/// <remarks>Guarded by the gate of <see cref="DurableClients"/>.</remarks>
internal sealed class DurableLives(
    DurableIndex index, DueClients ends, WaitingWills wills, DurableWrites writes, LoginSessions sessions, IResumables connections,
    BrokerLimits limits, DataSpaces spaces, Func<RoomDirectory> rooms)
{
    /// <summary>Gives a connection that was admitted its MQTT session: what is kept of it, unless it starts clean.</summary>
    /// <param name="taken">Of several nodes: this one has just written the fence, and so has the client. Null in a house of one.</param>
    /// <param name="mayCount">False: <see cref="SessionOpening.OutOfTurn"/> if others of the account would have to be counted.</param>
    /// <returns><c>Written</c> completes when what the client counts on is on disk.</returns>
    public (SessionOpening Opening, DurableClient? Kept, Task Written) Open(
        IResumable connection, bool isClean, uint expiry, LastWill? will, Taken? taken = null, bool mayCount = true)
    {
        var session = connection.Session!;
        if (!connections.IsCurrent(connection))
        {
            return (SessionOpening.Ended, null, Task.CompletedTask);
        }

        var client = index.Find(session.Account.Id, connection.ClientId);
        if (client is not null && taken is not null)
        {
            client.TakenBy(taken);
        }

        if (client is not null && !DurableRights.MayOpen(session, client))
        {
            return (SessionOpening.NotYours, null, Task.CompletedTask);
        }

        // Taken over, a connection whose MQTT session ends with it is at its end too.
        var goesOn = client is not null && !isClean && client.Connection is not { SessionExpiry: 0 };
        if (!mayCount && !goesOn && expiry > 0 && DurableRights.CountsEverywhere(session, connection.ClientId, limits))
        {
            return (SessionOpening.OutOfTurn, null, Task.CompletedTask);
        }

        if (client is not null && goesOn)
        {
            TakeOver(client, session);
            if (!TryConnect(client, connection, expiry, will, out var saved))
            {
                return (SessionOpening.Ended, null, Task.CompletedTask);
            }

            writes.Watch(saved);
            return (SessionOpening.Present, client, Task.CompletedTask);
        }

        var ended = client is null ? Task.CompletedTask : End(client, keepsFence: expiry > 0 && taken is not null);
        if (expiry == 0)
        {
            return (SessionOpening.New, null, ended);
        }

        // What a client hears of devices was counted with the client, where that is.
        if (!SessionName.IsOfData(connection.ClientId) && !DurableRights.MayAdd(session, index.OfAccount(session.Account.Id), index.OfMount(session.Scope.Mount), limits))
        {
            return (SessionOpening.TooMany, null, ended);
        }

        DurableClient added = new(connection.ClientId, session, spaces) { Fence = taken?.Fence };
        index.Add(added);

        // A client that was told it is kept counts on it, be it for a QoS 2 publish alone.
        return TryConnect(added, connection, expiry, will, out var written)
            ? (SessionOpening.New, added, Task.WhenAll(ended, written))
            : (SessionOpening.Ended, null, ended);
    }

    /// <summary>Ends what is kept of a client. Completes when nothing of it is on disk.</summary>
    /// <param name="saysWill">False: its login session has ended, so nothing is said for it.</param>
    /// <param name="keepsFence">See <see cref="DurableWrites.Remove"/>.</param>
    public Task End(DurableClient client, bool saysWill = true, bool keepsFence = false)
    {
        if (/* guard: will: one that waits ends with the login session */ saysWill)
        {
            wills.FallDue(client);
        }

        var position = Forget(client);
        return writes.Remove(client, position.Received.Keys, keepsFence);
    }

    /// <summary>Nothing of the client is in memory any more.</summary>
    /// <returns>Where it was.</returns>
    public DurablePosition Forget(DurableClient client)
    {
        index.Remove(client);
        ends.Remove(client);
        wills.Forget(client);
        client.EndPublishing();
        var position = client.Connection?.HandOverPosition() ?? client.Position;
        client.Connection = null;
        LetGo(client);
        return position;
    }

    /// <summary>The client is used under another login session, or is none any more.</summary>
    public void LetGo(DurableClient client)
    {
        client.Session.Unkeep(SessionName.ClientIdOf(client.ClientId));
        sessions.Release(client.Session);
    }

    // False: the connection's login session has ended, and with it the client.
    private bool TryConnect(DurableClient client, IResumable connection, uint expiry, LastWill? will, out Task saved)
    {
        saved = Task.CompletedTask;
        if (!connection.Session!.TryKeep(SessionName.ClientIdOf(connection.ClientId)))
        {
            writes.Watch(End(client, saysWill: false));
            return false;
        }

        ends.Remove(client);
        wills.Forget(client);
        (client.Connection, client.Expiry, client.Will) = (connection, expiry, will);
        saved = writes.Save(client, null);
        return true;
    }

    private void TakeOver(DurableClient client, LoginSession session)
    {
        if (client.Connection?.HandOverPosition() is { } position)
        {
            client.Position = position;
        }

        // guard: will: who takes over takes a delayed one away
        client.Connection?.DropDelayedWill();

        client.EndPublishing();

        // The connection that has it may be gone before the next one hears for itself.
        client.Data.StandIn(session, client.Filters, rooms());

        if (client.Session != session)
        {
            LetGo(client);
            client.Session = session;
        }
    }
}
