using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using static WebMessenger.Broker.Tests.Operator.TypedCommand;
using Calls = WebMessenger.Broker.Tests.Rooms.Calls;

namespace WebMessenger.Broker.Tests.Admin;

/// <summary>The same acts as commands of the operator, at the socket of the running server.</summary>
public sealed class AdminCommandTests
{
    [Fact]
    public async Task What_administrators_see_is_printed_and_as_json_by_the_line()
    {
        await using var desk = await Desk.OpenAsync();

        Assert.Contains("3 registered, 0 guests, 1 administrators", await DoneAsync(desk.Broker, "overview"), StringComparison.Ordinal);
        Assert.Equal(3, JsonDocument.Parse(await DoneAsync(desk.Broker, "overview", "--json")).RootElement.GetProperty("accounts").GetProperty("registered").GetInt32());
        Assert.StartsWith("ana ", await DoneAsync(desk.Broker, "accounts", "LOVELACE"), StringComparison.Ordinal);
        Assert.Contains("administrator", await DoneAsync(desk.Broker, "accounts", "--filter", "administrators"), StringComparison.Ordinal);
        Assert.StartsWith("lobby ", await DoneAsync(desk.Broker, "rooms"), StringComparison.Ordinal);
        Assert.Contains("Limits:TextLength", await DoneAsync(desk.Broker, "settings"), StringComparison.Ordinal);
        Assert.Equal("", await DoneAsync(desk.Broker, "audit"));
    }

    [Fact]
    public async Task Accounts_are_looked_after_at_the_socket_and_all_of_it_is_noted()
    {
        await using var desk = await Desk.OpenAsync();
        await using var bot = await desk.Broker.ConnectAsync(desk.Ana, clientId: "bot");

        Assert.Equal("ana is signed out everywhere, access tokens included.", await DoneAsync(desk.Broker, "account", "sessions", "ana", "--tokens"));
        await bot.PublishesUntilClosedAsync();
        Assert.Equal("ana is banned until 2099-01-01T00:00:00.000Z.", await DoneAsync(desk.Broker, "account", "ban", "ana", "--until", "2099-01-01T00:00:00Z", "--reason", "spam"));
        Assert.Equal("spam", desk.Ana.Account.Ban!.Reason);
        Assert.Equal("ana may sign in again.", await DoneAsync(desk.Broker, "account", "unban", "ana"));
        Assert.Contains("/p#", await DoneAsync(desk.Broker, "account", "link", "ana"), StringComparison.Ordinal);
        Assert.Equal("ana is an administrator, and has to sign in again.", await DoneAsync(desk.Broker, "account", "admin", "ana"));
        Assert.Equal("ana is an administrator no more.", await DoneAsync(desk.Broker, "account", "unadmin", "ana"));
        Assert.Equal("bob is erased.", await DoneAsync(desk.Broker, "account", "erase", "bob"));
        Assert.Null(desk.Broker.Get<AccountDirectory>().FindByUserName("bob"));
        Assert.Contains("There is no account", await RefusedAsync(desk.Broker.Program.DataFolder, "account", "ban", "bob"), StringComparison.Ordinal);
        Assert.Equal(["erase", "unadmin", "admin", "password-link", "unban", "ban", "sessions"], await desk.ActsAsync());
        Assert.Contains("  operator  erase  bob", await DoneAsync(desk.Broker, "audit"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_older_commands_do_is_noted_as_well()
    {
        await using var desk = await Desk.OpenAsync();
        await DoneAsync(desk.Broker, "ban", "ana", "--reason", "spam");
        await DoneAsync(desk.Broker, "unban", "ana");
        await DoneAsync(desk.Broker, "password-link", "ana");

        Assert.Equal(["password-link", "unban", "ban"], await desk.ActsAsync());
    }

    [Fact]
    public async Task Rooms_are_handed_over_and_deleted_and_settings_changed()
    {
        await using var desk = await Desk.OpenAsync();
        using var anas = Calls.As(desk.Broker, desk.Ana);
        await anas.MakeRoom("yard");
        await using var bobs = await desk.Broker.ConnectAsync(desk.Bob);
        await bobs.SubscribeAsync("rooms/yard");

        Assert.Equal("bob has yard.", await DoneAsync(desk.Broker, "room", "owner", "yard", "bob"));
        Assert.Equal("yard is archived: who is in it reads it.", await DoneAsync(desk.Broker, "room", "archive", "yard"));
        Assert.Contains("yard", await DoneAsync(desk.Broker, "rooms", "--filter", "archived"), StringComparison.Ordinal);
        Assert.Equal("yard is open again.", await DoneAsync(desk.Broker, "room", "unarchive", "yard"));
        Assert.DoesNotContain("yard", await DoneAsync(desk.Broker, "rooms", "--filter", "archived"), StringComparison.Ordinal);
        Assert.Equal("yard is deleted.", await DoneAsync(desk.Broker, "room", "delete", "yard"));
        Assert.Contains("Rooms:Default", await RefusedAsync(desk.Broker.Program.DataFolder, "room", "delete", "lobby"), StringComparison.Ordinal);
        Assert.Contains("the file has 4000", await DoneAsync(desk.Broker, "settings", "Limits:TextLength", "100"), StringComparison.Ordinal);
        Assert.DoesNotContain("the file has", await DoneAsync(desk.Broker, "settings", "Limits:TextLength", "file"), StringComparison.Ordinal);
        Assert.Contains("no such setting", await RefusedAsync(desk.Broker.Program.DataFolder, "settings", "DataFolder", "1"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_operator_acts_in_rooms_in_the_name_of_no_administrator_who_is_banned()
    {
        await using var desk = await Desk.OpenAsync();
        using var anas = Calls.As(desk.Broker, desk.Ana);
        await anas.MakeRoom("yard");
        await using var client = await desk.Broker.ConnectAsync(desk.Ana);
        await client.SubscribeAsync("rooms/yard");
        await DoneAsync(desk.Broker, "account", "admin", "bob");
        await DoneAsync(desk.Broker, "account", "ban", "admina");

        await DoneAsync(desk.Broker, "room", "archive", "yard");

        var told = (await client.PublishesUntilAsync(publish => publish.Text.Contains("\"archived\":true", StringComparison.Ordinal)))[^1].Text;
        Assert.Contains("\"bob\"", told, StringComparison.Ordinal);
        Assert.DoesNotContain("admina", told, StringComparison.Ordinal);
        await DoneAsync(desk.Broker, "account", "ban", "bob");
        Assert.Contains("no administrator", await RefusedAsync(desk.Broker.Program.DataFolder, "room", "unarchive", "yard"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("account", "ban")]
    [InlineData("account", "praise", "ana")]
    [InlineData("account", "erase", "ana", "--reason", "x")]
    [InlineData("account", "ban", "ana", "--until", "soon")]
    [InlineData("room", "owner", "yard")]
    [InlineData("settings", "Limits:TextLength")]
    [InlineData("audit", "more")]
    public async Task A_slip_does_nothing_and_says_how_it_is_meant(params string[] typed)
    {
        StringWriter output = new(), error = new();
        Assert.Equal(2, await CommandProgram.RunAsync(typed, output, error));
        Assert.StartsWith("Nothing was done. ", error.ToString(), StringComparison.Ordinal);
        Assert.Contains("Usage: WebMessenger ", error.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_server_they_say_so()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("ana");
        var data = broker.Program.DataFolder;
        await broker.Program.DisposeAsync();

        Assert.Contains("No server is running", await RefusedAsync(data, "accounts"), StringComparison.Ordinal);
    }
}
