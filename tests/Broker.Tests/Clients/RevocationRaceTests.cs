using System.Globalization;
using System.Text;
using WebMessenger.Auth.Sessions;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Storage.EventLog;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

namespace WebMessenger.Broker.Tests.Clients;

/// <summary>
/// A logout or a ban that meets what a client is doing: at each place where the server waits for something else,
/// before it, after it, and at the same moment.
/// </summary>
public sealed class RevocationRaceTests
{
    private const string ClientId = "tab";

    private static readonly MqttProperties Durable = new() { { PropertyId.SessionExpiry, 600u } };

    /// <summary>What the client is doing.</summary>
    private enum Doing
    {
        Connect,
        Resume,
        Subscribe,
        SubscribeDurable,
        Publish,
        TakeOver,
    }

    /// <summary>What ends the login session.</summary>
    private enum Ending
    {
        Logout,
        Ban,
    }

    /// <summary>When the end comes, once the server is held at the crossing.</summary>
    private enum When
    {
        WhileHeld,
        AsReleased,
        SoonAfter,
    }

    private static IReadOnlyList<(Doing Doing, Crossing Crossing, When When)> Interleavings { get; } =
        [.. from doing in Enum.GetValues<Doing>() from crossing in Enum.GetValues<Crossing>() from when in Enum.GetValues<When>() select (doing, crossing, when)];

    [Fact]
    public Task Attack_23_24_Nobody_survives_a_logout_wherever_it_meets_the_client() => RaceAsync(Ending.Logout, rounds: 3);

    [Fact]
    public Task Attack_23_24_27_Nobody_survives_a_ban_wherever_it_meets_the_client() => RaceAsync(Ending.Ban, rounds: 2);

    [Fact(Explicit = true)]
    public Task Attack_23_24_Nobody_survives_ten_thousand_interleavings() => RaceAsync(Ending.Logout, (10_000 / Interleavings.Count) + 1);

    [Fact(Explicit = true)]
    public Task Attack_23_24_27_Nobody_survives_ten_thousand_interleavings_with_a_ban() => RaceAsync(Ending.Ban, (10_000 / Interleavings.Count) + 1);

    private static async Task RaceAsync(Ending ending, int rounds)
    {
        Crossroads crossroads = new();
        await using var broker = await RunningBroker.StartWithAsync(crossroads.Place);
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var witness = await broker.ConnectAsync(bob, clientId: "witness");
        await using (var first = await broker.ConnectAsync(ana))
        {
            // Her joining the room is no part of what follows.
            await first.SubscribeAsync("rooms/lobby");
        }

        Dictionary<int, long> markers = [];
        var (number, held) = (0, 0);
        for (var round = 0; round < rounds; round++)
        {
            foreach (var (doing, crossing, when) in Interleavings)
            {
                number++;
                try
                {
                    var (marker, wasHeld) = await MeetAsync(broker, crossroads, ana, witness, number, ending, doing, crossing, when);
                    markers[number] = marker;
                    held += wasHeld ? 1 : 0;
                }
                catch (Exception error)
                {
                    throw new InvalidOperationException($"Round {round}: {doing}, {crossing}, {when}", error);
                }
            }
        }

        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 1 && broker.Room("lobby").Subscribers.Length == 0);
        await HandshakeTests.UntilAsync(() => broker.Get<IRecords>().ReadAll(DurableRecords.ClientsPrefix).Count == 0);
        AssertNothingAfter(broker.Get<IEventLog>(), broker.Room("lobby").Log, markers);

        // Or the crossings are not where they should be, and this proves less than it says.
        Assert.True(held >= rounds * 15, $"The server was held {held} times in {number} interleavings.");
        TestContext.Current.TestOutputHelper?.WriteLine($"{number} interleavings, held at a crossing in {held}");
    }

    private static async Task<(long Marker, bool WasHeld)> MeetAsync(
        RunningBroker broker, Crossroads crossroads, Member ana, RawMqttClient witness, int number, Ending how, Doing doing, Crossing crossing, When when)
    {
        var browser = await broker.SignInAsync(ana.Account);
        var isDurable = doing is Doing.Resume or Doing.SubscribeDurable;
        RawMqttClient? before = null;
        if (doing is Doing.Resume or Doing.TakeOver)
        {
            before = await OpenAsync(broker, browser);
            await ConnectAsync(before, isDurable);
            Assert.Equal([1], (await before.SubscribeAsync("rooms/lobby")).ReasonCodes);
            if (doing == Doing.Resume)
            {
                await before.DisconnectAsync();
                await before.WaitForCloseAsync();
            }
        }

        await using var client = await OpenAsync(broker, browser);
        if (doing is Doing.Subscribe or Doing.SubscribeDurable or Doing.Publish)
        {
            await ConnectAsync(client, isDurable);
        }

        crossroads.Arm(crossing);
        var answered = Task.WhenAny(DoAsync(client, doing, isDurable, number), client.WaitForCloseAsync());
        var wasHeld = await Task.WhenAny(crossroads.Reached, answered) == crossroads.Reached;
        Task ending;
        switch (when)
        {
            case When.WhileHeld:
                // All that must come at once comes before it waits for anything.
                ending = EndAsync(broker, browser.Session, how);
                if (how == Ending.Ban)
                {
                    // It is stored first.
                    await HandshakeTests.UntilAsync(() => browser.Session.IsRevoked);
                }

                Assert.True(browser.Session.IsRevoked);
                crossroads.Release();
                break;
            case When.AsReleased:
                var releasing = Task.Run(crossroads.Release);
                ending = EndAsync(broker, browser.Session, how);
                await releasing;
                break;
            default:
                crossroads.Release();
                Thread.SpinWait(200 * (number % 100));
                ending = EndAsync(broker, browser.Session, how);
                break;
        }

        await ending;

        // Whoever is told that it is over finds nothing open.
        foreach (var connection in broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id))
        {
            Assert.True(connection.Session != browser.Session || connection.Transport.Closed.IsCompleted);
        }

        var marker = await witness.PublishAsync("rooms/lobby", Marker(number));
        Assert.True(marker.Accepted);
        await answered;
        foreach (var ended in new[] { client, before })
        {
            if (ended is not null)
            {
                Assert.DoesNotContain(await ended.PublishesUntilClosedAsync(), publish => publish.Text.Contains(Marker(number), StringComparison.Ordinal));
                await ended.DisposeAsync();
            }
        }

        if (how == Ending.Ban)
        {
            Assert.True((await broker.Get<AccountBans>().LiftAsync(ana.Account.UserName)).IsDone);
        }

        return (marker.Seq, wasHeld);
    }

    private static Task EndAsync(RunningBroker broker, LoginSession session, Ending how) => how == Ending.Logout
        ? broker.Get<LoginSessions>().EndAsync(session)
        : broker.Get<AccountBans>().BanAsync(session.Account.UserName, null);

    /// <summary>As a page's tab does it. Completes with the server's answer, whatever that is.</summary>
    private static async Task DoAsync(RawMqttClient client, Doing doing, bool isDurable, int number)
    {
        try
        {
            switch (doing)
            {
                case Doing.Subscribe or Doing.SubscribeDurable:
                    await client.SubscribeAsync("rooms/lobby");
                    break;
                case Doing.Publish:
                    await client.PublishAsync("rooms/lobby", Said(number));
                    break;
                default:
                    await client.ConnectAsync(clientId: ClientId, cleanStart: !isDurable, properties: isDurable ? Durable : null);
                    break;
            }
        }
        catch (Exception error) when (client.IsClosed || error is System.Net.WebSockets.WebSocketException)
        {
            // Cut off instead of answered.
        }
    }

    private static async Task ConnectAsync(RawMqttClient client, bool isDurable) =>
        Assert.True((await client.ConnectAsync(clientId: ClientId, cleanStart: !isDurable, properties: isDurable ? Durable : null)).Accepted);

    private static Task<RawMqttClient> OpenAsync(RunningBroker broker, SignedIn browser) => RawMqttClient.OverWebSocketAsync(
        broker.WebSocket, new WebSocketDoor($"webmessenger={browser.Secret}", broker.Http.GetLeftPart(UriPartial.Authority)));

    private static void AssertNothingAfter(IEventLog log, LogName lobby, Dictionary<int, long> markers)
    {
        var accepted = 0;
        for (long after = 0; log.ReadAfter(lobby, after, 1000).Entries is [.., var last] entries; after = last.Seq)
        {
            foreach (var entry in entries)
            {
                var body = Encoding.UTF8.GetString(entry.Body.Span);
                var at = body.IndexOf("said by ana in ", StringComparison.Ordinal);
                if (at >= 0)
                {
                    var number = int.Parse(body.AsSpan(at + 15, 6), CultureInfo.InvariantCulture);
                    Assert.True(entry.Seq < markers[number], $"What was said in {number} was accepted after the end of its login session had been answered.");
                    accepted++;
                }
            }
        }

        Assert.NotEqual(0, accepted);
    }

    private static string Said(int number) => string.Create(CultureInfo.InvariantCulture, $"said by ana in {number:000000}");

    private static string Marker(int number) => string.Create(CultureInfo.InvariantCulture, $"marker {number:000000}");
}
