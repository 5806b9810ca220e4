using System.Globalization;
using System.Text;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

namespace WebMessenger.Broker.Tests.Rooms;

/// <summary>What is on its way to the log when the right it was said with ends: it gets no number, however slow the disk is.</summary>
public sealed class RightsAtNumberingTests
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Fault_S7_What_waits_for_the_log_as_its_login_session_ends_is_not_stored_after_the_answer(byte qos)
    {
        Crossroads crossroads = new();
        await using var broker = await RunningBroker.StartWithAsync(crossroads.Place);
        var ana = await broker.RegisterAsync("ana");
        var browser = await broker.SignInAsync(ana.Account);
        await using var tab = await broker.ConnectBrowserAsync(browser);
        Assert.True((await tab.PublishAsync("rooms/lobby", "in time")).Accepted);
        var connection = Assert.Single(broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id));

        crossroads.Arm(Crossing.BeforeAppend);
        await tab.SendPublishAsync("rooms/lobby", "too late"u8.ToArray(), qos, packetId: 77);
        await crossroads.Reached;
        await broker.Get<LoginSessions>().EndAsync(browser.Session);
        crossroads.Release();
        await connection.Kept.PublishesDrained();

        Assert.Equal(["in time"], Said(broker));
    }

    [Fact]
    public async Task Fault_S7_What_waits_for_the_log_as_its_author_is_taken_off_the_list_is_refused_though_he_is_on_it_again()
    {
        Crossroads crossroads = new();
        await using var broker = await RunningBroker.StartWithAsync(crossroads.Place);
        var (room, members) = (broker.Room("lobby"), broker.Get<RoomMembers>());
        var ana = await broker.RegisterAsync("ana");
        await using var client = await broker.ConnectAsync(ana);
        Assert.True((await client.PublishAsync("rooms/lobby", "in time")).Accepted);

        crossroads.Arm(Crossing.BeforeAppend);
        var late = client.PublishAsync("rooms/lobby", "of a stay that is over");
        await crossroads.Reached;
        await members.LeaveAsync(room, ana.Account);
        await members.JoinAsync(room, ana.Account);
        crossroads.Release();

        Assert.Equal(0x87, (await late).ReasonCode);
        Assert.True((await client.PublishAsync("rooms/lobby", "of the new stay")).Accepted);
        Assert.Equal(["in time", "of the new stay"], Said(broker));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Fault_S7_A_whisper_that_waits_for_the_log_as_its_recipient_goes_is_not_stored(bool erased)
    {
        Crossroads crossroads = new();
        await using var broker = await RunningBroker.StartWithAsync(crossroads.Place);
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var client = await broker.ConnectAsync(ana);
        Assert.True((await client.PublishAsync("users/bob", "in time")).Accepted);
        var inbox = LogName.OfAccount(bob.Account.Id);

        crossroads.Arm(Crossing.BeforeAppend);
        var late = client.PublishAsync("users/bob", "too late");
        await crossroads.Reached;
        if (erased)
        {
            Assert.True(
                (await broker.Get<AccountChanges>().EraseAsync(bob.Account, "correct horse battery staple", null)).TryGet(out _, out _));
        }
        else
        {
            Assert.True((await broker.Get<AccountBans>().BanAsync("bob", null)).IsDone);
        }

        crossroads.Release();

        Assert.Equal(0x87, (await late).ReasonCode);
        Assert.Equal(erased ? 0 : 1, broker.Get<IEventLog>().Head(inbox).Head);
    }

    [Fact]
    public Task Fault_S7_Nothing_is_stored_after_the_answer_of_a_kick() => KickedWhileSpeakingAsync(rounds: 200);

    [Fact(Explicit = true)]
    public Task Fault_S7_Nothing_is_stored_after_the_answer_of_ten_thousand_kicks() => KickedWhileSpeakingAsync(rounds: 10_000);

    private static async Task KickedWhileSpeakingAsync(int rounds)
    {
        await using var broker = await RunningBroker.StartAsync("--WebMessenger:Limits:StoredBytesPerDayPerGuest", "0");
        var members = broker.Get<RoomMembers>();
        var ana = await broker.RegisterAsync("ana");

        // A guest, of whom nothing else is on disk that would be waited for.
        var bob = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        Assert.True(RoomId.TryParse("den", out var id));
        Assert.Equal(RoomChange.Done, await broker.Get<RoomMaking>().CreateAsync(id, "Den", "", isPrivate: true, ana.Account));
        var room = broker.Room("den");
        await using var owner = await broker.ConnectAsync(ana);
        await using var speaker = await broker.ConnectBrowserAsync(await broker.SignInAsync(bob));
        var (accepted, refused) = (0, 0);
        for (var round = 0; round < rounds; round++)
        {
            await members.JoinAsync(room, bob);
            var speaking = Enumerable.Range(0, 8).Select(
                i => speaker.PublishAsync("rooms/den", string.Create(CultureInfo.InvariantCulture, $"{round}/{i}"))).ToArray();
            Thread.SpinWait(round % 50 * 400);
            await members.LeaveAsync(room, bob);

            // Read first and written after: whatever is still to come would lie between the two.
            var head = room.Head;
            Assert.True((await owner.PublishAsync("rooms/den", "marker")).Accepted);
            var answers = await Task.WhenAll(speaking);
            var after = broker.Get<IEventLog>().ReadAfter(room.Log, head, 1000).Entries;
            Assert.Equal([ana.Account.Id], after.Select(entry => entry.Author));
            accepted += answers.Count(answer => answer.Accepted);
            refused += answers.Count(answer => answer.ReasonCode == 0x87);
        }

        Assert.Equal(rounds * 8, accepted + refused);
        TestContext.Current.TestOutputHelper?.WriteLine($"{accepted} came before their kick, {refused} did not");
    }

    private static string[] Said(RunningBroker broker) =>
    [
        .. broker.Get<IEventLog>().ReadAfter(broker.Room("lobby").Log, 0, 1000).Entries
            .Select(entry => Encoding.UTF8.GetString(entry.Body.Span))
            .Where(body => body.Contains("\"text\":\"", StringComparison.Ordinal))
            .Select(body => body[(body.IndexOf("\"text\":\"", StringComparison.Ordinal) + 8)..].TrimEnd('"')),
    ];
}
