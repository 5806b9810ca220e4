using WebMessenger.EndToEnd.Tests.Servers;
using WebMessenger.Load.Pages;

namespace WebMessenger.EndToEnd.Tests.Browser;

/// <summary>The bytes of `dotnet run --project tests/Load -c Release -- page`, which also shows times.</summary>
public sealed class FirstVisitTests(SharedServer shared, Chromium chromium)
{
    [Fact]
    public async Task Fault_P18_The_door_costs_60_kB_and_the_first_visit_to_the_lobby_170_kB_on_the_wire()
    {
        using var ana = await Person.RegisterAsync(shared.Server);
        await using var phone = await shared.Server.PageAsync(ana.Cookie).InLobbyAsync();
        for (var i = 0; i < 50; i++)
        {
            await phone.PublishAsync(Lobby.Topic, $"{i} was said before, in a line of an ordinary length, as people write them");
        }

        var newest = Lobby.Unique("the newest");
        await phone.PublishAsync(Lobby.Topic, newest);

        var visit = await FirstVisit.MakeAsync(chromium.Browser, shared.Server.Address, newest, Slowness.None);

        Assert.InRange(visit.DoorBytes, 10_000, FirstVisit.DoorBudget);
        Assert.InRange(visit.LobbyBytes, visit.DoorBytes + 10_000, FirstVisit.LobbyBudget);
    }
}
