using ArchUnitNET.Domain;
using ArchUnitNET.Domain.Extensions;
using ArchUnitNET.Loader;

namespace WebMessenger.Broker.Tests.Architecture;

/// <summary>
/// Who may know what (docs/architecture.md). Each rule first shows that somebody uses what it guards:
/// a rule that sees nothing would pass always.
/// </summary>
public sealed class LayerTests
{
    // As in docs/architecture.md, from the bottom up. A project's own namespace, without a folder: FolderSync of the stores lies below
    // both, AuthServices and the program's entry above all of their project.
    private static readonly string[] _layers =
    [
        "Storage", "Storage.Documents", "Storage.EventLog", "Storage.Search", "Storage.Replication", "Storage.Nodes",
        "Cluster.Connections", "Cluster.Nodes", "Cluster.Postgres", "Cluster.Migrations", "Cluster.Documents", "Cluster.Search", "Cluster.Moving", "Cluster.Checks", "Cluster",
        "Auth.Outcomes", "Auth.Changes", "Auth.Limits", "Auth.Names", "Auth.Secrets", "Auth.Accounts", "Auth.Sessions", "Auth.Tokens", "Auth.Passwords", "Auth.SigningIn",
        "Auth.Interception", "Auth",
        "Broker.Topics", "Broker.Events", "Broker.Settings", "Broker.Wire", "Broker.Limits", "Broker.Nodes", "Broker.Streams", "Broker.Rooms", "Broker.Devices", "Broker.Hooks", "Broker.Rules", "Broker.Webhooks", "Broker.Invites", "Broker.Reports", "Broker.Preferences", "Broker.ReadMarks", "Broker.Notices", "Broker.Search", "Broker.Archives", "Broker.MqttSessions",
        "Broker.Transports", "Broker.Clients", "Broker.Admin", "Broker.Pages", "Broker.Api", "Broker.Operator", "Broker.Retention", "Broker.Host", "Broker",
    ];

    // As in docs/architecture.md, One client, from the bottom up.
    private static readonly string[] _partsOfClient =
    [
        "Writer", "OwedAnswers", "KeptSession", "Feeder", "Delivery", "DataDelivery", "HeldFilters", "Submissions", "DataIntake", "Intake", "Client", "MqttNetChannel",
    ];

    private static readonly ArchUnitNET.Domain.Architecture _product = new ArchLoader()
        .LoadAssemblies(typeof(WebMessenger.Storage.EventLog.IEventLog).Assembly, typeof(Auth.Accounts.Account).Assembly, typeof(WebMessenger.Cluster.ClusterHouse).Assembly, typeof(WebMessenger.Broker.Rooms.Room).Assembly)
        .Build();

    [Fact]
    public void Dependencies_go_down_only()
    {
        List<string> upward = [];
        var downward = 0;
        foreach (var type in _product.Types)
        {
            if (Layer(type) is not (>= 0 and var mine))
            {
                continue;
            }

            // ArchUnitNET takes the type parameters of methods that several classes have, as all serializer contexts do, for one class's.
            foreach (var used in type.GetTypeDependencies().Where(used => used is not GenericParameter).Distinct())
            {
                if (Layer(used) > mine)
                {
                    upward.Add($"{type.FullName} -> {used.FullName}");
                }

                downward += Layer(used) is >= 0 and var its && its < mine ? 1 : 0;
            }
        }

        // A rule that sees nothing would pass always.
        Assert.InRange(downward, 1_000, int.MaxValue);
        Assert.Empty(upward.Distinct());
    }

    [Fact]
    public void Every_folder_has_a_place_among_the_layers()
    {
        var folders = _product.Types.Select(type => type.Namespace?.FullName ?? "")
            .Where(space => space.StartsWith("WebMessenger.", StringComparison.Ordinal)).Select(space => string.Join('.', space.Split('.').Skip(1).Take(2)));

        Assert.Empty(folders.Distinct().Except(_layers));
        Assert.Empty(_layers.Except(["Broker"]).Except(folders));
    }

    [Fact]
    public void Parts_of_a_client_know_those_that_are_put_together_before_them_only()
    {
        static int Part(IType type) => Array.FindIndex(_partsOfClient, part =>
            type.FullName == "WebMessenger.Broker.Clients." + part || type.FullName.StartsWith($"WebMessenger.Broker.Clients.{part}+", StringComparison.Ordinal));

        var known = _product.Types.Where(type => Part(type) >= 0).SelectMany(type => type.GetTypeDependencies().Select(used => (By: type, Used: used)))
            .Where(pair => Part(pair.Used) >= 0 && Part(pair.Used) != Part(pair.By)).Distinct().ToList();

        Assert.Equal(_partsOfClient.Length - 1, known.Where(pair => Part(pair.Used) < Part(pair.By)).Select(pair => Part(pair.By)).Distinct().Count());
        Assert.Empty(known.Where(pair => Part(pair.Used) > Part(pair.By)).Select(pair => $"{pair.By.FullName} -> {pair.Used.FullName}").Distinct());
    }

    [Theory]
    // MQTTnet speaks the control plane only; what it calls a client or a session is not what we mean by them.
    [InlineData("MQTTnet", "WebMessenger.Auth.Interception", "WebMessenger.Broker.Clients", "WebMessenger.Broker.Wire", "WebMessenger.Broker.Host")]
    // One thread owns LiteDB; features know documents (ADR 0044).
    [InlineData("LiteDB", "WebMessenger.Storage.Documents", "WebMessenger.Auth.Sessions")]
    [InlineData("Microsoft.Data.Sqlite", "WebMessenger.Storage.Search")]
    [InlineData("RocksDbSharp", "WebMessenger.Storage.EventLog")]
    // All others log by ILogger.
    [InlineData("Serilog", "WebMessenger.Broker.Host")]
    // Auth asks about rooms by a port of its own, and never learns what a room is. (The program's entry is in no namespace.)
    [InlineData("WebMessenger.Broker", "WebMessenger.Broker", "")]
    [InlineData("Npgsql", "WebMessenger.Cluster", "WebMessenger.Broker.Operator")]
    [InlineData("Orleans", "WebMessenger.Cluster.Nodes", "OrleansCodeGen")]
    // Alone nothing of the cluster is loaded: what names it is not reached (ADR 0085).
    [InlineData("WebMessenger.Cluster", "WebMessenger.Cluster", "WebMessenger.Broker.Host", "WebMessenger.Broker.Operator", "OrleansCodeGen")]
    public void Only_these_know(string guarded, params string[] mayKnow)
    {
        var knowing = _product.Types.Where(type => type.GetTypeDependencies().Any(used => Within(used, guarded))).ToList();

        Assert.Contains(knowing, type => mayKnow.Any(allowed => Within(type, allowed)));
        Assert.Empty(knowing.Where(type => !mayKnow.Any(allowed => Within(type, allowed))).Select(type => type.FullName));
    }

    // Negative: it is in none.
    private static int Layer(IType type)
    {
        var mine = Array.FindIndex(_layers, layer => layer.Contains('.', StringComparison.Ordinal) && Within(type, "WebMessenger." + layer));
        return mine >= 0 ? mine : Array.FindIndex(_layers, layer => Within(type, "WebMessenger." + layer));
    }

    private static bool Within(IType type, string space)
    {
        // A type parameter is in no namespace; ArchUnitNET says null.
        var its = type.Namespace?.FullName ?? "";
        return its == space || its.StartsWith(space + ".", StringComparison.Ordinal);
    }
}
