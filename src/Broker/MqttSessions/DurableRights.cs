using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>What a login session may do with what is kept for its account's clients.</summary>
internal static class DurableRights
{
    /// <summary>
    /// Whether it may have one more client that is kept, besides those there are. Those of a mount count by its room (decision 31), and an
    /// account has a share of them; among the account's own they do not count.
    /// </summary>
    /// <param name="kept">Of the account.</param>
    /// <param name="mounted">Of everybody, by the room of the login session's mount.</param>
    public static bool MayAdd(LoginSession session, IReadOnlyCollection<DurableClient> kept, int mounted, BrokerLimits limits)
    {
        if (session.Scope.Mount is not null)
        {
            return limits.DataKeptClientsPerRoom == 0
                || ((/* guard: kept clients of a room */ mounted < limits.DataKeptClientsPerRoom)
                    && (/* guard: an account's share of a room's kept clients */ kept.Count(client => client.Session.Scope.Mount == session.Scope.Mount)
                        < limits.DataShareOf(limits.DataKeptClientsPerRoom)));
        }

        if (limits.DurableClientsPerAccount is not (> 0 and var limit))
        {
            return true;
        }

        var own = kept.Where(client => client.Session.Scope.Mount is null && !SessionName.IsOfData(client.ClientId)).ToList();
        var isLimited = /* guard: limited tokens have half of the durable clients */ session.Scope.IsLimited;
        return own.Count < limit && !(isLimited && own.Count(client => client.Session.Scope.IsLimited) >= Scope.ShareOf(limit));
    }

    /// <summary>
    /// Whether clients that are kept on other nodes count together with this one. Those of a mount are all at the home of the data topics,
    /// and what a client hears of devices was counted with the client, where that is.
    /// </summary>
    public static bool CountsEverywhere(LoginSession session, string clientId, BrokerLimits limits) =>
        session.Scope.Mount is null && !SessionName.IsOfData(clientId) && limits.DurableClientsPerAccount > 0;

    /// <summary>For who may not have one more.</summary>
    public static string WhyTooMany(LoginSession session, BrokerLimits limits)
    {
        if (session.Scope.Mount is not null)
        {
            return $"The room of this access token has {limits.DataKeptClientsPerRoom} clients that are kept while they are away, or your account {limits.DataShareOf(limits.DataKeptClientsPerRoom)} of them, as many as may be. Start clean, without session expiry.";
        }

        var most = session.Scope.IsLimited ? Scope.ShareOf(limits.DurableClientsPerAccount) : limits.DurableClientsPerAccount;
        return $"This account has {most} durable clients, as many as it may{(session.Scope.IsLimited ? " by limited tokens" : "")}. Start clean, or end one of your login sessions on the page.";
    }

    /// <summary>
    /// Whether it may open what is kept, or end it by a clean start: it must be able to read what is held there.
    /// Whether it may end a live connection, the directory of connections says.
    /// </summary>
    public static bool MayOpen(LoginSession session, DurableClient client) =>
        /* guard: what is kept is opened by who may read it */ session == client.Session
        || client.Filters.All(held => CanRead(session.Scope, client.Session.Scope, held.Filter));

    private static Verbs VerbFor(RoomFilter filter) => filter.Data is null ? Verbs.Read : Verbs.Data;

    // What a filter names, or else everything that the login session which holds it could read.
    private static bool CanRead(Scope scope, Scope held, RoomFilter filter) => (filter.Room ?? filter.ReadRoom) is { } room
        ? scope.Allows(room, VerbFor(filter)) && (filter.Data is null || scope.Covers(held))
        : scope.Verbs.HasFlag(VerbFor(filter)) && (scope.Rooms is null || (held.Rooms is not null && held.Rooms.All(scope.Rooms.Contains)));
}
