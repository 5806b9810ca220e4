using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Hosting;

/// <summary>Who has one machine pays for one.</summary>
public sealed class AloneTests
{
    [Fact]
    public async Task Alone_nothing_of_a_cluster_is_loaded()
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Reads /proc.");
        await using var server = await ServerProcess.StartAloneAsync(SharedServer.NoLimits);
        using var ana = await Person.RegisterAsync(server);
        await using var tab = await server.PageAsync(ana.Cookie).InLobbyAsync();
        var said = Lobby.Unique("hello");
        Assert.True((await tab.PublishAsync(Lobby.Topic, said)).Accepted);
        await tab.PublishesUntilAsync(publish => publish.Says(said));

        var maps = await File.ReadAllTextAsync($"/proc/{server.ProcessId}/maps", TestContext.Current.CancellationToken);

        // It would be seen there: what is loaded is.
        Assert.Contains("WebMessenger.Storage.dll", maps, StringComparison.Ordinal);
        Assert.All(new[] { "Npgsql", "Orleans", "WebMessenger.Cluster" }, name => Assert.DoesNotContain(name, maps, StringComparison.Ordinal));
    }
}
