using System.Net;
using System.Net.Sockets;
using System.Runtime.Versioning;
using System.Text;
using System.Text.Json;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Storage.Tests.EventLog;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>What is asked at the operator's socket.</summary>
public sealed class OperatorDoorTests
{
    [Theory]
    [InlineData("""{"users":"ana"}""")]
    [InlineData("""{"user":7}""")]
    [InlineData("""{"user":null}""")]
    [InlineData("[]")]
    [InlineData("ana")]
    [InlineData("")]
    public async Task Fault_S28_A_request_that_is_none_changes_nothing(string body)
    {
        await using var broker = await RunningBroker.StartAsync();
        using var door = OperatorSocketClient.Http(broker.Program.DataFolder);
        var (ana, bob) = (await broker.RegisterAsync("ana"), await broker.RegisterAsync("bob"));
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(door, OperatorApi.Ban, """{"user":"ana"}""")).Status);
        Assert.NotNull(ana.Account.Ban);

        foreach (var command in new[] { OperatorApi.Ban, OperatorApi.Unban, OperatorApi.PasswordLink })
        {
            var (status, problem) = await AskAsync(door, command, body);
            Assert.InRange((int)status, 400, 409);
            Assert.NotEmpty(problem.GetProperty("detail").GetString()!);
        }

        Assert.NotNull(ana.Account.Ban);
        Assert.Null(bob.Account.Ban);
        Assert.Equal(HttpStatusCode.OK, (await AskAsync(door, OperatorApi.Unban, """{"user":"ana"}""")).Status);
        Assert.Null(ana.Account.Ban);
    }

    [Fact]
    public async Task Fault_S28_A_request_without_end_is_not_kept()
    {
        await using var broker = await RunningBroker.StartAsync();

        // It ends before ten megabytes have come, and others are served.
        var chunk = new byte[64 * 1024];
        chunk.AsSpan().Fill((byte)'A');
        using var socket = await OperatorSocket.ConnectAsync(broker.Program.DataFolder, TestContext.Current.CancellationToken);
        var sent = 0;
        try
        {
            while (sent < 10 << 20)
            {
                sent += await socket.SendAsync(chunk);
            }
        }
        catch (SocketException)
        {
            // It hung up.
        }

        Assert.True(sent < 10 << 20, $"{sent} bytes were taken");
        using var door = OperatorSocketClient.Http(broker.Program.DataFolder);
        var (status, _) = await AskAsync(door, OperatorApi.Ban, $$"""{"user":"{{new string('a', 64 * 1024)}}"}""");
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, status);
        Assert.Equal("""{"banned":[]}""", await door.GetStringAsync(OperatorApi.Bans, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Nobody_reaches_the_operators_door_by_the_address_of_the_pages()
    {
        await using var broker = await RunningBroker.StartAsync();
        using var door = OperatorSocketClient.Http(broker.Program.DataFolder);
        var ana = await broker.RegisterAsync("ana");
        using HttpClient pages = new() { BaseAddress = broker.Http };
        Assert.Equal("""{"banned":[]}""", await door.GetStringAsync(OperatorApi.Bans, TestContext.Current.CancellationToken));

        foreach (var command in new[] { OperatorApi.Ban, OperatorApi.Unban, OperatorApi.PasswordLink, OperatorApi.Backup })
        {
            var (status, _) = await AskAsync(pages, command, """{"user":"ana","login":"ana"}""");
            Assert.True(status is HttpStatusCode.NotFound, $"{command}: {status}");
        }

        using var bans = await pages.GetAsync(OperatorApi.Bans, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotFound, bans.StatusCode);
        Assert.Null(ana.Account.Ban);
    }

    [Fact]
    public async Task Strangers_who_use_up_all_requests_do_not_shut_the_operator_out()
    {
        await using var broker = await RunningBroker.StartAsync(
            "--WebMessenger:Limits:RequestsPerSecondPerAddress=1", "--WebMessenger:Limits:RequestsUnderWay=1");
        await broker.RegisterAsync("ana");
        using HttpClient pages = new() { BaseAddress = broker.Http };
        HttpStatusCode status;
        do
        {
            using var answer = await pages.GetAsync("api/session", TestContext.Current.CancellationToken);
            status = answer.StatusCode;
        }
        while (status != HttpStatusCode.TooManyRequests);

        Assert.Contains("ana is banned", await TypedCommand.DoneAsync(broker, "ban", "ana"), StringComparison.Ordinal);
        for (var asked = 0; asked < 100; asked++)
        {
            Assert.StartsWith("ana ", await TypedCommand.DoneAsync(broker, "bans"), StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("ban 1 {\"wish\":\"Ban\",\"user\":\"ana\"}")]
    [InlineData("snapshot 1")]
    [InlineData("password-link 1 {\"login\":\"ana\"}")]
    public async Task A_program_from_before_HTTP_is_told_in_its_own_words(string line)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        var socket = await OperatorSocket.ConnectAsync(broker.Program.DataFolder, TestContext.Current.CancellationToken);
        await using NetworkStream stream = new(socket, ownsSocket: true);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(line + "\n"), TestContext.Current.CancellationToken);
        using StreamReader reader = new(stream);

        Assert.Equal(
            """{"error":"The server is of another version than this program."}""", await reader.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Null(await reader.ReadLineAsync(TestContext.Current.CancellationToken));
        Assert.Null(ana.Account.Ban);
    }

    [Fact]
    public async Task A_server_from_before_HTTP_is_said_to_be_of_another_version()
    {
        using TempFolder folder = new();
        var data = folder.In("data");
        using var held = DataFolder.Open(data);
        await File.WriteAllTextAsync(DataFolder.AccountsFileIn(data), "", TestContext.Current.CancellationToken);
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(DataFolder.ControlSocketIn(data)));
        listener.Listen();
        var command = TypedCommand.RefusedAsync(data, "ban", "ana");
        using var asked = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        await asked.SendAsync(Encoding.UTF8.GetBytes("{\"error\":\"The server is of another version than this program.\"}\n"));
        asked.Shutdown(SocketShutdown.Send);

        Assert.Equal("Nobody was banned. The server is of another version than this program.", await command);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{\"title\":\"An error\",\"status\":500}")]
    public async Task A_server_that_fails_is_not_said_to_be_of_another_version(string body)
    {
        using TempFolder folder = new();
        var data = folder.In("data");
        using var held = DataFolder.Open(data);
        await File.WriteAllTextAsync(DataFolder.AccountsFileIn(data), "", TestContext.Current.CancellationToken);
        using Socket listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(DataFolder.ControlSocketIn(data)));
        listener.Listen();
        var command = TypedCommand.RefusedAsync(data, "bans");
        using var asked = await listener.AcceptAsync(TestContext.Current.CancellationToken);
        await asked.SendAsync(Encoding.UTF8.GetBytes(
            "HTTP/1.1 500 Internal Server Error\r\nContent-Type: application/problem+json\r\n"
            + $"Content-Length: {body.Length}\r\nConnection: close\r\n\r\n{body}"));
        asked.Shutdown(SocketShutdown.Send);

        Assert.EndsWith("The server could not do it: its log says why.", await command, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_command_of_another_version_is_not_known()
    {
        await using var broker = await RunningBroker.StartAsync();
        using var door = OperatorSocketClient.Http(broker.Program.DataFolder);
        await broker.RegisterAsync("ana");

        var (status, problem) = await AskAsync(door, OperatorApi.Ban.Replace("/v1/", "/v2/", StringComparison.Ordinal), """{"user":"ana"}""");

        // Without a detail, by which a program knows that this server is another.
        Assert.Equal(HttpStatusCode.NotFound, status);
        Assert.False(problem.TryGetProperty("detail", out _));
    }

    [Fact]
    [UnsupportedOSPlatform("windows")]
    public async Task Fault_S28_The_socket_is_for_the_servers_own_user()
    {
        await using var broker = await RunningBroker.StartAsync();

        Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(DataFolder.ControlSocketIn(broker.Program.DataFolder)));
        Assert.Equal(DataFolder.OwnerOnly, File.GetUnixFileMode(broker.Program.DataFolder));
    }

    private static async Task<(HttpStatusCode Status, JsonElement Body)> AskAsync(HttpClient door, string command, string body)
    {
        using StringContent content = new(body, Encoding.UTF8, "application/json");
        using var response = await door.PostAsync(command, content, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return (response.StatusCode, text.StartsWith('{') ? JsonElement.Parse(text) : default);
    }
}
