using ArchUnitNET.Domain;
using ArchUnitNET.Domain.Extensions;
using ArchUnitNET.Loader;

namespace WebMessenger.Broker.Tests.Architecture;

/// <summary>
/// Who may know what (docs/architecture.md). Each rule first shows that somebody uses what it guards: a rule that sees nothing would pass always.
/// </summary>
public sealed class LayerTests
{
    private static readonly ArchUnitNET.Domain.Architecture _product = new ArchLoader()
        .LoadAssemblies(typeof(Auth.Accounts.Account).Assembly, typeof(WebMessenger.Broker.Log.IRoomLog).Assembly)
        .Build();

    [Theory]
    // MQTTnet speaks the control plane only; what it calls a client or a session is not what we mean by them.
    [InlineData("MQTTnet", "WebMessenger.Auth.Interception", "WebMessenger.Broker.Connections", "WebMessenger.Broker.Mqtt", "WebMessenger.Broker.Hosting")]
    // One thread owns LiteDB: whoever touches it is a store that runs there.
    [InlineData(
        "LiteDB", "WebMessenger.Auth.Storage", "WebMessenger.Auth.Accounts", "WebMessenger.Auth.Sessions", "WebMessenger.Auth.Tokens", "WebMessenger.Broker.Rooms")]
    [InlineData("RocksDbSharp", "WebMessenger.Broker.Log")]
    // All others log by ILogger.
    [InlineData("Serilog", "WebMessenger.Broker.Hosting")]
    // Auth asks about rooms by a port of its own, and never learns what a room is. (The program's entry is in no namespace.)
    [InlineData("WebMessenger.Broker", "WebMessenger.Broker", "")]
    public void Only_these_know(string guarded, params string[] mayKnow)
    {
        var knowing = _product.Types.Where(type => type.GetTypeDependencies().Any(used => Within(used, guarded))).ToList();

        Assert.Contains(knowing, type => mayKnow.Any(allowed => Within(type, allowed)));
        Assert.Empty(knowing.Where(type => !mayKnow.Any(allowed => Within(type, allowed))).Select(type => type.FullName));
    }

    private static bool Within(IType type, string space)
    {
        // A type parameter is in no namespace; ArchUnitNET says null.
        var its = type.Namespace?.FullName ?? "";
        return its == space || its.StartsWith(space + ".", StringComparison.Ordinal);
    }
}
