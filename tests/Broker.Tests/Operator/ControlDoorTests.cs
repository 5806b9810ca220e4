using System.Net.Sockets;
using System.Text;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>What is asked at the control socket, byte by byte.</summary>
public sealed class ControlDoorTests
{
    [Theory]
    [InlineData("""{"wish":"Pardon","user":"ana"}""")]
    [InlineData("""{"wish":7,"user":"ana"}""")]
    [InlineData("""{"user":"ana"}""")]
    [InlineData("""{"wish":null,"user":"ana"}""")]
    [InlineData("""{"wish":"Unban"}""")]
    [InlineData("[]")]
    public async Task Fault_S28_A_wish_that_is_none_changes_nothing(string wish)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");
        const string done = "\"user\":\"ana\"";
        Assert.Contains(done, await AskAsync(broker, """ban 1 {"wish":"Ban","user":"ana"}""" + "\n"), StringComparison.Ordinal);
        Assert.NotNull(ana.Account.Ban);

        Assert.Contains("\"error\"", await AskAsync(broker, $"{BanService.Ask} {wish}\n"), StringComparison.Ordinal);

        Assert.NotNull(ana.Account.Ban);
        Assert.Contains(done, await AskAsync(broker, """ban 1 {"wish":"Unban","user":"ana"}""" + "\n"), StringComparison.Ordinal);
        Assert.Null(ana.Account.Ban);
    }

    [Theory]
    [InlineData("""{"user":"ana"}""")]
    [InlineData("""{"wish":3,"user":"ana"}""")]
    public async Task Fault_S28_A_wish_that_is_none_bans_nobody(string wish)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana");

        Assert.Contains("\"error\"", await AskAsync(broker, $"{BanService.Ask} {wish}\n"), StringComparison.Ordinal);

        Assert.Null(ana.Account.Ban);
    }

    [Fact]
    public async Task Fault_S28_A_line_without_end_is_not_kept()
    {
        await using var broker = await RunningBroker.StartAsync();

        // It ends before ten megabytes have come, and others are served.
        var chunk = new byte[64 * 1024];
        chunk.AsSpan().Fill((byte)'a');
        using var socket = await ConnectAsync(broker);
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
        Assert.Contains("\"banned\":[]", await AskAsync(broker, """ban 1 {"wish":"List"}""" + "\n"), StringComparison.Ordinal);
    }

    [Fact]
    [System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
    public async Task Fault_S28_The_socket_is_for_the_servers_own_user()
    {
        await using var broker = await RunningBroker.StartAsync();

        var mode = File.GetUnixFileMode(DataFolder.ControlSocketIn(broker.Program.DataFolder));

        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, mode);
    }

    private static async Task<Socket> ConnectAsync(RunningBroker broker)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(DataFolder.ControlSocketIn(broker.Program.DataFolder)));
        return socket;
    }

    private static async Task<string> AskAsync(RunningBroker broker, string line)
    {
        using var socket = await ConnectAsync(broker);
        await using NetworkStream stream = new(socket);
        await stream.WriteAsync(Encoding.UTF8.GetBytes(line));
        using StreamReader reader = new(stream);
        return await reader.ReadLineAsync() ?? "";
    }
}
