using System.Reflection;
using System.Runtime.InteropServices;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Clients;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Nodes;
using WebMessenger.Broker.Search;
using WebMessenger.Broker.Settings;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Admin;

/// <summary>How the server is at this moment, in one look.</summary>
/// <remarks>Thread-safe. What the files take is looked at once in ten seconds at most.</remarks>
internal sealed class ServerOverview(
    AccountDirectory accounts,
    LoginSessions sessions,
    ConnectionDirectory connections,
    AdminRooms rooms,
    ServerSampler sampler,
    MqttAcceptor acceptor,
    LogHealth log,
    SearchFollower search,
    DiskSpace space,
    INodes nodes,
    BrokerSettings settings,
    TimeProvider time)
{
    private static readonly TimeSpan s_sizesHold = TimeSpan.FromSeconds(10);

    // So long after a loss it is a matter of health that something may be back.
    private static readonly TimeSpan s_lossMatters = TimeSpan.FromDays(30);

    private readonly string _startedAt = Timestamps.Format(time.GetUtcNow());
    private volatile Sizes? _sizes;

    public static string Version { get; } = typeof(ServerOverview).Assembly
        .GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "";

    public Overview Look()
    {
        var room = space.Room();
        var (browsers, devices) = (0, 0);
        foreach (var client in connections.All)
        {
            if (client.Session is not { } session)
            {
                continue;
            }

            browsers += session.Kind == LoginSessionKind.Browser ? 1 : 0;
            devices += session.Scope.Mount is null ? 0 : 1;
        }

        var (registered, guests, administrators) = (0, 0, 0);
        foreach (var account in accounts.All)
        {
            _ = account.IsGuest ? guests++ : registered++;
            administrators += account.Profile.IsAdministrator ? 1 : 0;
        }

        return new Overview(
            Version,
            _startedAt,
            RuntimeInformation.FrameworkDescription,
            Health(room),
            // Of a node all that is stored is in the database.
            settings.Cluster is null ? SizesNow() : [],
            room is { } disk ? new DiskView(disk.Free, disk.Total) : null,
            connections.Count,
            browsers,
            devices,
            new AccountCounts(registered, guests, administrators),
            rooms.Count(),
            sampler.Rates,
            sessions.LostAt is { } lost ? Timestamps.Format(lost) : null,
            settings.Cluster is null ? null : new ClusterView(nodes.Self, [.. nodes.Others.Order(StringComparer.Ordinal)]));
    }

    private HealthView[] Health(DiskRoom? room) =>
    [
        acceptor.IsServing
            ? new HealthView("mqtt", "good", "MQTT is served.")
            : new HealthView("mqtt", "bad", "MQTT is not served: the server starts or stops."),
        log.IsWriting
            ? new HealthView("log", "good", "What is said is stored.")
            : new HealthView("log", "bad", "Nothing can be stored: the server's log says why."),
        space.IsLow
            ? new HealthView("disk", "bad", "The disk is nearly full: only what takes rights away is stored.")
            : room is { } disk && disk.Free < 2 * DiskSpace.Reserve(disk.Total, settings.Limits)
                ? new HealthView("disk", "warn", "There is little room on the disk.")
                : new HealthView("disk", "good", "There is room on the disk."),
        search.Progress.IsBuilding
            ? new HealthView("search", "warn", "The search index is being made: not everything is found yet.")
            : new HealthView("search", "good", "The search index is whole."),
        sessions.LostAt is { } lost && time.GetUtcNow() - lost < s_lossMatters
            ? new HealthView(
                "records", "warn",
                "The newest records were lost, or a backup was restored: kicks, bans and revoked tokens of shortly before may be back.")
            : new HealthView("records", "good", "Nothing was lost."),
    ];

    private StoreView[] SizesNow()
    {
        if (_sizes is { } known && time.GetElapsedTime(known.At) < s_sizesHold)
        {
            return known.Stores;
        }

        Sizes now = new(time.GetTimestamp(), StoreSizes.Of(settings.DataFolder));
        _sizes = now;
        return now.Stores;
    }

    private sealed record Sizes(long At, StoreView[] Stores);
}
