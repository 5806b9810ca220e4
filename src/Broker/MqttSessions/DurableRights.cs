using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.MqttSessions;

/// <summary>What a login session may do with what is kept for its account's clients.</summary>
internal static class DurableRights
{
    /// <summary>Whether it may have one more client that is kept, besides those there are.</summary>
    public static bool MayAdd(LoginSession session, IReadOnlyCollection<DurableClient> kept, BrokerLimits limits)
    {
        if (limits.DurableClientsPerAccount is not (> 0 and var limit))
        {
            return true;
        }

        var isLimited = /* guard: limited tokens have half of the durable clients */ session.Scope.IsLimited;
        return kept.Count < limit && !(isLimited && kept.Count(client => client.Session.Scope.IsLimited) >= Scope.ShareOf(limit));
    }

    /// <summary>
    /// Whether it may open what is kept, or end it by a clean start: it must be able to read what is held there.
    /// Whether it may end a live connection, the directory of connections says.
    /// </summary>
    public static bool MayOpen(LoginSession session, DurableClient client) =>
        /* guard: what is kept is opened by who may read it */ session == client.Session
        || client.Filters.All(held => CanRead(session.Scope, client.Session.Scope, held.Filter));

    // What a filter names, or else everything that the login session which holds it could read.
    private static bool CanRead(Scope scope, Scope held, RoomFilter filter) => (filter.Room ?? filter.ReadRoom) is { } room
        ? scope.Allows(room, Verbs.Read)
        : scope.Verbs.HasFlag(Verbs.Read) && (scope.Rooms is null || (held.Rooms is not null && held.Rooms.All(scope.Rooms.Contains)));
}
