using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.MqttSessions;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Clients;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Tests.EventLog;
using static WebMessenger.Broker.Tests.Operator.TypedCommand;
using ConnectionDirectory = WebMessenger.Broker.Clients.ConnectionDirectory;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>`ban`, `unban` and `bans`, as the operator runs them, on a server that runs and on one that does not.</summary>
public sealed class BanTests : IDisposable
{
    private const string Password = "correct horse battery staple";
    private const string Banned = "This account is banned: spam, again";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Attack_22_25_27_41_A_ban_ends_all_that_the_account_has_before_the_command_does()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var witness = await broker.ConnectAsync(bob);
        await witness.SubscribeAsync("rooms/lobby");

        // In by each way: browsers of which one does not read, a password, a token, a durable client that is away; one with a will.
        var browser = await broker.SignInAsync(ana.Account);
        List<RawMqttClient> clients =
        [
            await broker.ConnectBrowserAsync(browser, "stalled", 4096),
            await broker.ConnectBrowserAsync(browser, "tab"),
            await broker.ConnectAsync(ana, clientId: "shell", password: Password),
            await broker.ConnectAsync(ana, MqttVersion.V311, "bot"),
            await RawMqttClient.OverTcpAsync(broker.Mqtt),
        ];
        Assert.True((await clients[^1].ConnectAsync("ana", ana.Token, "willing", will: new Will("rooms/lobby", "my will"))).Accepted);
        foreach (var client in clients)
        {
            await client.SubscribeAsync("rooms/lobby");
        }

        clients[0].StopReading();
        await Flood.Async(witness);
        await using (var away = await RawMqttClient.OverTcpAsync(broker.Mqtt))
        {
            Assert.True((await away.ConnectAsync("ana", Password, "away", cleanStart: false, properties: new() { { PropertyId.SessionExpiry, 600u } })).Accepted);
            await away.SubscribeAsync("rooms/lobby");
            await away.DisconnectAsync();
            await away.WaitForCloseAsync();
        }

        Assert.NotEmpty(broker.Get<IRecords>().ReadAll(DurableRecords.ClientsPrefix));

        Assert.Equal("ana is banned. Ended: 3 login sessions, 1 access token.", await DoneAsync(broker, "ban", "Ana", "--reason", "spam, again"));

        // All of this is over when the command is, not some time after.
        Assert.DoesNotContain(broker.Get<ConnectionDirectory>().OfAccount(ana.Account.Id), connection => !connection.Transport.Closed.IsCompleted);
        Assert.Empty(broker.Get<LoginSessions>().List(ana.Account));
        Assert.Empty(broker.Get<IRecords>().ReadAll(DurableRecords.ClientsPrefix));
        await witness.PublishAsync("rooms/lobby", "after the ban");
        clients[0].ResumeReading();
        foreach (var client in clients)
        {
            Assert.DoesNotContain(await client.PublishesUntilClosedAsync(), publish => publish.Text.Contains("after the ban", StringComparison.Ordinal));
            await client.DisposeAsync();
        }

        await HandshakeTests.UntilAsync(() => broker.Get<ConnectionDirectory>().Count == 1);
        await witness.PublishAsync("rooms/lobby", "marker");
        Assert.DoesNotContain(
            await witness.PublishesUntilAsync(publish => publish.Text.Contains("\"marker\"", StringComparison.Ordinal)),
            publish => publish.Text.Contains("my will", StringComparison.Ordinal));
        Assert.DoesNotContain(broker.Room("lobby").SnapshotPresence(), person => person.ShownAs.User == "ana");
    }

    [Fact]
    public async Task Attack_19_26_27_A_banned_account_gets_in_nowhere_and_only_its_password_is_told_why()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var browser = await broker.SignInAsync(ana.Account);
        await broker.RegisterAsync("bob");
        await DoneAsync(broker, "ban", "ana", "--reason=spam, again");

        await AssertShutOutAsync(broker, ana, browser);
        await broker.RestartAsync();
        await AssertShutOutAsync(broker, ana, browser);
    }

    [Fact]
    public async Task A_lifted_ban_lets_the_account_in_again_but_not_its_old_cookie_and_token()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var browser = await broker.SignInAsync(ana.Account);
        await DoneAsync(broker, "ban", "ana");
        Assert.Equal((0x8A, "This account is banned."), await ConnectAsync(broker, "ana", Password));

        Assert.Equal("ana may sign in again.", await DoneAsync(broker, "unban", "ana"));

        Assert.Equal("Nobody is banned.", await DoneAsync(broker, "bans"));
        Assert.Equal((0, null), await ConnectAsync(broker, "ana", Password));
        Assert.Equal(0x86, (await ConnectAsync(broker, "ana", ana.Token)).Code);
        Assert.Equal(0x87, await ConnectByCookieAsync(broker, browser));
        Assert.Equal(HttpStatusCode.OK, (await SignInAsync(broker, "ana", Password)).Status);
        // She is on the lists that she was on, and what she is told is stored again.
        var token = await broker.TokenAsync(broker.Get<AccountDirectory>().FindByUserName("ana")!);
        Assert.Equal((0, null), await ConnectAsync(broker, "ana", token));
    }

    [Fact]
    public async Task What_a_banned_account_said_stays_and_nothing_is_whispered_to_it()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var bob = await broker.RegisterAsync("bob");
        await using var client = await broker.ConnectAsync(ana);
        await using var speaker = await broker.ConnectAsync(bob);
        Assert.True((await client.PublishAsync("rooms/lobby", "I was here")).Accepted);
        Assert.True((await speaker.PublishAsync("users/ana", "psst")).Accepted);
        await DoneAsync(broker, "ban", "ana");

        var refused = await speaker.PublishAsync("users/ana", "are you there?");
        var unknown = await speaker.PublishAsync("users/nobody", "are you there?");

        Assert.False(refused.Accepted);
        Assert.Equal((unknown.ReasonCode, unknown.ReasonString), (refused.ReasonCode, refused.ReasonString));
        Assert.Equal(1, broker.Get<IEventLog>().Head(LogName.OfAccount(ana.Account.Id)).Head);
        await speaker.SubscribeAsync("rooms/lobby", properties: new() { { "last", "1000" } });
        await speaker.PublishesUntilAsync(publish => publish.Text.Contains("I was here", StringComparison.Ordinal));
        await DoneAsync(broker, "unban", "ana");
        Assert.True((await speaker.PublishAsync("users/ana", "welcome back")).Accepted);
    }

    [Fact]
    public async Task Attack_27_A_ban_of_a_stopped_server_holds_when_it_starts_and_says_leave_for_who_was_here()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var browser = await broker.SignInAsync(ana.Account);
        var client = await broker.ConnectBrowserAsync(browser, "tab");
        await client.SubscribeAsync("rooms/lobby");
        await using (var away = await RawMqttClient.OverTcpAsync(broker.Mqtt))
        {
            Assert.True((await away.ConnectAsync("ana", Password, "away", cleanStart: false, properties: new() { { PropertyId.SessionExpiry, 600u } })).Accepted);
            await away.DisconnectAsync();
            await away.WaitForCloseAsync();
        }

        var data = broker.Program.DataFolder;
        await broker.Program.DisposeAsync();
        await client.DisposeAsync();
        Assert.Equal("ana is banned. Ended: 1 login session, 1 access token.", await DoneAsync(data, "ban", "ana", "--reason", "spam, again"));
        Assert.StartsWith("ana  20", await DoneAsync(data, "bans"), StringComparison.Ordinal);

        await broker.RestartAsync();

        await AssertShutOutAsync(broker, ana, browser);
        Assert.Empty(broker.Get<IRecords>().ReadAll(DurableRecords.ClientsPrefix));
        Assert.Empty(broker.Room("lobby").SnapshotPresence());
        var log = broker.Get<IEventLog>();
        await HandshakeTests.UntilAsync(() => log.Head(broker.Room("lobby").Log).Head == 2);
        Assert.Equal(EventType.Leave, EventBody.TypeOf(log.ReadAfter(broker.Room("lobby").Log, 1, 1).Entries[0].Body.Span));

        // And the end of one: by the same way, with nothing of before coming back.
        await broker.Program.DisposeAsync();
        Assert.Equal("ana may sign in again.", await DoneAsync(data, "unban", "ana"));
        await broker.RestartAsync();
        Assert.Equal((0, null), await ConnectAsync(broker, "ana", Password));
        Assert.Equal(0x87, await ConnectByCookieAsync(broker, browser));
    }

    [Fact]
    public async Task Attack_71_Nobody_is_banned_on_a_damaged_log_for_the_server_must_say_what_was_lost()
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var data = broker.Program.DataFolder;
        await broker.Program.DisposeAsync();
        Assert.Equal("Nobody is banned.", await DoneAsync(data, "bans"));
        await broker.RestartAsync();
        var browser = await broker.SignInAsync(broker.Get<AccountDirectory>().FindByUserName("ana")!);
        await broker.Program.DisposeAsync();
        var path = Directory.GetFiles(DataFolder.RoomsFolderIn(data), "*.log").MaxBy(path => new FileInfo(path).Length)!;
        var bytes = await File.ReadAllBytesAsync(path, TestContext.Current.CancellationToken);
        bytes[^1] ^= 1;
        await File.WriteAllBytesAsync(path, bytes, TestContext.Current.CancellationToken);

        Assert.Matches(@"^Nobody was banned\. The event log is damaged \(\d+\.log at byte \d+\)\. Start the server", await RefusedAsync(data, "ban", "ana"));

        // It starts, without the login sessions of which some may have ended, and then it is done.
        await broker.RestartAsync();
        Assert.Equal(0x87, await ConnectByCookieAsync(broker, browser));
        Assert.Equal((0, null), await ConnectAsync(broker, "ana", ana.Token));
        Assert.Equal("ana is banned. Ended: 0 login sessions, 1 access token.", await DoneAsync(broker, "ban", "ana"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_cannot_be_done_is_one_line_that_says_why(bool isRunning)
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("ana");
        await broker.RegisterAsync("bob");
        var data = broker.Program.DataFolder;
        if (!isRunning)
        {
            await broker.Program.DisposeAsync();
        }

        await DoneAsync(data, "ban", "ana", "--reason", "spam");
        await DoneAsync(data, "ban", "bob");

        Assert.Equal("Nobody was banned. There is no account with the user name nobody.", await RefusedAsync(data, "ban", "nobody"));
        Assert.Equal("No ban was lifted. There is no account with the user name nobody.", await RefusedAsync(data, "unban", "nobody"));
        Assert.Matches(@"^Nobody was banned\. ana is banned already, since 20\d\d-.* UTC: spam\.$", await RefusedAsync(data, "ban", "ana"));
        Assert.Matches(@"^Nobody was banned\. bob is banned already, since 20\d\d-.* UTC\.$", await RefusedAsync(data, "ban", "bob"));
        Assert.StartsWith("Nobody was banned. A reason is one line", await RefusedAsync(data, "ban", "ana", "--reason", "two\nlines"), StringComparison.Ordinal);
        Assert.Matches(@"^bob  20\d\d-.* UTC\nana  20\d\d-.* UTC  spam$", await DoneAsync(data, "bans"));
        await DoneAsync(data, "unban", "ana");
        Assert.Equal("No ban was lifted. ana is not banned.", await RefusedAsync(data, "unban", "ana"));
        Assert.Contains("There is no data", await RefusedAsync(_folder.In("nothing"), "bans"), StringComparison.Ordinal);
        Assert.False(Directory.Exists(_folder.In("nothing")));
    }

    [Theory]
    [InlineData("ban")]
    [InlineData("ban", "")]
    [InlineData("ban", "--reason", "spam")]
    [InlineData("ban", "ana", "spam")]
    [InlineData("ban", "ana", "--WebMessenger:DataFolder=x", "--reason", "spam")]
    [InlineData("unban", "ana", "--reason", "spam")]
    [InlineData("bans", "ana")]
    public async Task What_is_no_command_line_gets_the_usage(params string[] typed)
    {
        StringWriter error = new();

        Assert.Equal(2, await CommandProgram.RunAsync(typed, TextWriter.Null, error));

        Assert.Contains($"\nUsage: WebMessenger {typed[0]}", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--reason may be meant", "ban", "ana", "--reasn", "spam")]
    [InlineData("no setting reasn", "unban", "ana", "--reasn", "spam")]
    [InlineData("no setting force", "bans", "--force")]
    public async Task Fault_A7_An_option_that_a_command_does_not_have_is_said_and_nothing_is_done(string says, params string[] typed)
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("ana");
        var data = broker.Program.DataFolder;

        Assert.Contains(says, await TypedCommand.RefusedAsync(data, typed), StringComparison.Ordinal);

        Assert.Equal("Nobody is banned.", await TypedCommand.DoneAsync(data, "bans"));
    }

    private static async Task AssertShutOutAsync(RunningBroker broker, Member ana, SignedIn browser)
    {
        // Who has the password is told.
        Assert.Equal((0x8A, Banned), await ConnectAsync(broker, "ana", Password));
        await using (var old = await RawMqttClient.OverTcpAsync(broker.Mqtt, MqttVersion.V311))
        {
            Assert.Equal(5, (await old.ConnectAsync("ana", Password)).ReasonCode);
        }

        var told = await SignInAsync(broker, "ana", Password);
        Assert.Equal((HttpStatusCode.Forbidden, "banned", Banned), told);
        Assert.Equal(told, await SignInAsync(broker, ana.Account.Profile.Email!, Password));
        Assert.Equal("spam, again", await ReasonAsync(broker, "ana", Password));

        // Nobody else is: a banned account is like one with another password, and like none.
        var wrong = await ConnectAsync(broker, "ana", "not the password");
        Assert.Equal(0x86, wrong.Code);
        Assert.Equal(await ConnectAsync(broker, "bob", "not the password"), wrong);
        Assert.Equal(await ConnectAsync(broker, "nobody", "not the password"), wrong);
        Assert.Equal(await ConnectAsync(broker, "bob", ana.Token), await ConnectAsync(broker, "ana", ana.Token));
        Assert.Equal(0x87, await ConnectByCookieAsync(broker, browser));
        var unknown = await SignInAsync(broker, "nobody", "not the password");
        Assert.Equal((HttpStatusCode.Unauthorized, "bad_credentials"), (unknown.Status, unknown.Code));
        Assert.Equal(unknown, await SignInAsync(broker, "ana", "not the password"));
        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(broker, "/api/session", "Cookie", $"webmessenger={browser.Secret}"));
        Assert.Equal(HttpStatusCode.Unauthorized, await GetAsync(broker, "/api/rooms", "Authorization", $"Bearer {ana.Token}"));
    }

    private static async Task<(int Code, string? Reason)> ConnectAsync(RunningBroker broker, string user, string password)
    {
        await using var client = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        var answer = await client.ConnectAsync(user, password);
        return (answer.ReasonCode, answer.Properties.Text(PropertyId.ReasonString));
    }

    private static async Task<int> ConnectByCookieAsync(RunningBroker broker, SignedIn browser)
    {
        WebSocketDoor door = new($"webmessenger={browser.Secret}", broker.Http.GetLeftPart(UriPartial.Authority));
        await using var client = await RawMqttClient.OverWebSocketAsync(broker.WebSocket, door);
        return (await client.ConnectAsync()).ReasonCode;
    }

    private static async Task<(HttpStatusCode Status, string? Code, string? Detail)> SignInAsync(RunningBroker broker, string login, string password)
    {
        using HttpClient http = new() { BaseAddress = broker.Http };
        using var answer = await http.PostAsJsonAsync("/api/session", new { login, password }, TestContext.Current.CancellationToken);
        var body = await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken);
        return answer.IsSuccessStatusCode ? (answer.StatusCode, null, null) : (answer.StatusCode, body.GetProperty("code").GetString(), body.GetProperty("detail").GetString());
    }

    // The operator's own words: the page says the rest in its reader's language.
    private static async Task<string?> ReasonAsync(RunningBroker broker, string login, string password)
    {
        using HttpClient http = new() { BaseAddress = broker.Http };
        using var answer = await http.PostAsJsonAsync("/api/session", new { login, password }, TestContext.Current.CancellationToken);
        return (await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken)).GetProperty("reason").GetString();
    }

    private static async Task<HttpStatusCode> GetAsync(RunningBroker broker, string path, string header, string value)
    {
        using HttpClient http = new(new SocketsHttpHandler { UseCookies = false }) { BaseAddress = broker.Http };
        using HttpRequestMessage request = new(HttpMethod.Get, path) { Headers = { { header, value } } };
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        return answer.StatusCode;
    }
}
