using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Rooms;

public sealed class PresenceTests(SharedServer shared)
{
    [Fact]
    public async Task The_second_tab_greets_nobody_and_the_first_does()
    {
        using var witness = await Person.RegisterAsync(shared.Server, "bea");
        await using var watching = await shared.Server.PageAsync(witness.Cookie).InLobbyAsync();
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var tab1 = await shared.Server.PageAsync(ana.Cookie).InLobbyAsync();
        await watching.PublishesUntilAsync(publish => publish.Is("join", ana.UserName));

        await using var tab2 = await shared.Server.PageAsync(ana.Cookie).InLobbyAsync();
        using var marker = await Person.RegisterAsync(shared.Server, "caio");
        await using var third = await shared.Server.PageAsync(marker.Cookie).InLobbyAsync();

        var heard = await watching.PublishesUntilAsync(publish => publish.Is("join", marker.UserName));
        Assert.DoesNotContain(heard, publish => publish.Is("join", ana.UserName));
        Assert.Single(await witness.EventsAsync(), @event => @event.Is("join", ana.UserName));
    }
}
