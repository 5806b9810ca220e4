using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>A data folder that has lost its accounts is not taken for a new one.</summary>
public sealed class AccountsGoneTests
{
    [Fact]
    public async Task Without_the_accounts_that_its_rooms_name_it_does_not_start_and_loses_nothing()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), ana.Account);
        await broker.Program.DisposeAsync();
        var accounts = DataFolder.AccountsFileIn(Path.Combine(broker.DataFolder, "data"));
        var aside = accounts + ".aside";
        File.Move(accounts, aside);

        var refused = await Assert.ThrowsAsync<StartupException>(broker.RestartAsync);

        Assert.Contains("accounts.db is gone", refused.Message, StringComparison.Ordinal);
        File.Move(aside, accounts, overwrite: true);
        await broker.RestartAsync();
        Assert.True(broker.Room("lobby").IsMember(ana.Account.Id));
    }

    [Fact]
    public async Task With_a_file_of_accounts_that_has_lost_all_its_bytes_it_does_not_start_either()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        await broker.Get<RoomMembers>().JoinAsync(broker.Room("lobby"), ana.Account);
        await broker.Program.DisposeAsync();
        var accounts = DataFolder.AccountsFileIn(Path.Combine(broker.DataFolder, "data"));
        var kept = await File.ReadAllBytesAsync(accounts, TestContext.Current.CancellationToken);
        await File.WriteAllBytesAsync(accounts, [], TestContext.Current.CancellationToken);

        // Twice: what the first attempt leaves in its place is no new folder, either.
        for (var attempt = 0; attempt < 2; attempt++)
        {
            var refused = await Assert.ThrowsAsync<StartupException>(broker.RestartAsync);
            Assert.Contains("accounts.db is empty", refused.Message, StringComparison.Ordinal);
        }

        await File.WriteAllBytesAsync(accounts, kept, TestContext.Current.CancellationToken);
        await broker.RestartAsync();
        Assert.True(broker.Room("lobby").IsMember(ana.Account.Id));
    }
}
