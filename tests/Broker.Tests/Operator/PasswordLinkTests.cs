using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.RegularExpressions;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.SigningIn;
using WebMessenger.Broker.Host;
using WebMessenger.Broker.Operator;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Tests.Host;
using WebMessenger.Wire.Testing;
using WebMessenger.Storage.Tests.EventLog;
using static WebMessenger.Broker.Tests.Operator.TypedCommand;

namespace WebMessenger.Broker.Tests.Operator;

/// <summary>`password-link`, as the operator runs it, and what the page at `/p` asks for.</summary>
public sealed class PasswordLinkTests : IDisposable
{
    private const string Password = "correct horse battery staple";
    private const string NewPassword = "another quiet place 43";

    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Fault_P37_The_printed_link_sets_a_password_and_signs_in(bool isRunning)
    {
        await using var broker = await RunningBroker.StartAsync();
        var ana = await broker.RegisterAsync("ana", "Ana Souza");
        var data = broker.Program.DataFolder;
        if (!isRunning)
        {
            await broker.Program.DisposeAsync();
        }

        var said = await DoneAsync(data, "password-link", "ana");

        Assert.Matches(@"^A link for ana \(Ana Souza\)\. It works once, until 20[-0-9]+ [:0-9]+ UTC:\n\n  http://\S+/p#\S{22}\n", said);
        Assert.Contains("--origin", said, StringComparison.Ordinal);
        if (isRunning)
        {
            Assert.Contains($"  {broker.Http.GetLeftPart(UriPartial.Authority)}/p#", said, StringComparison.Ordinal);
        }
        else
        {
            await broker.RestartAsync();
        }

        var secret = SecretIn(said);
        await using var old = await RawMqttClient.OverTcpAsync(broker.Mqtt);
        Assert.True((await old.ConnectAsync("ana", Password, "old")).Accepted);
        var account = broker.Get<AccountDirectory>().FindByUserName("ana")!;
        var browser = await broker.SignInAsync(account);
        using HttpClient http = new() { BaseAddress = broker.Http };
        var (status, seen) = await PostAsync(http, "/api/password-links/look", new { secret });
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(("ana", "Ana Souza"), (seen.GetProperty("user").GetString(), seen.GetProperty("name").GetString()));
        var until = seen.GetProperty("expiresAt").GetDateTimeOffset();
        Assert.Contains($"until {until:yyyy-MM-dd HH:mm:ss} UTC", said, StringComparison.Ordinal);

        var (refused, problem) = await PostAsync(http, "/api/password-links", new { secret, password = "short" });
        var why = problem.GetProperty("errors").GetProperty("password")[0].GetProperty("code").GetString();
        Assert.Equal((HttpStatusCode.BadRequest, "too_short"), (refused, why));
        var (done, session) = await PostAsync(http, "/api/password-links", new { secret, password = NewPassword });

        Assert.Equal((HttpStatusCode.OK, "ana"), (done, session.GetProperty("user").GetString()));
        // Signed in by the cookie; what was open by the old password is closed when the answer is here.
        using var me = await http.GetAsync(new Uri("/api/session", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, me.StatusCode);
        await old.WaitForCloseAsync();
        Assert.Null(broker.Get<WebMessenger.Auth.Sessions.LoginSessions>().FindByCookie(browser.Secret));
        await using var bot = await broker.ConnectAsync(ana);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(http, "/api/session", new { login = "ana", password = NewPassword })).Status);
        var (forgotten, _) = await PostAsync(http, "/api/session", new { login = "ana", password = Password });
        Assert.Equal(HttpStatusCode.Unauthorized, forgotten);
        (string, object)[] late =
        [
            ("/look", new { secret }), ("/look", new { }),
            ("", new { secret, password = NewPassword }), ("", new { password = NewPassword }),
        ];
        foreach (var (path, body) in late)
        {
            var (again, gone) = await PostAsync(http, "/api/password-links" + path, body);
            Assert.Equal((HttpStatusCode.NotFound, "no_such_link"), (again, gone.GetProperty("code").GetString()));
        }
    }

    [Fact]
    public async Task Fault_P37_A_banned_account_is_told_so_and_is_not_let_in()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("ana");
        var data = broker.Program.DataFolder;
        var secret = SecretIn(await DoneAsync(data, "password-link", "ana"));
        using HttpClient http = new() { BaseAddress = broker.Http };
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(http, "/api/password-links/look", new { secret })).Status);
        await DoneAsync(data, "ban", "ana", "--reason", "spam");

        var (status, problem) = await PostAsync(http, "/api/password-links", new { secret, password = NewPassword });

        Assert.Equal((HttpStatusCode.Forbidden, "banned"), (status, problem.GetProperty("code").GetString()));
        Assert.Equal(
            "No link was made. ana is banned, and a link would open nothing. Lift the ban first: unban ana",
            await RefusedAsync(data, "password-link", "ana"));
    }

    [Fact]
    public async Task Fault_P37_A_restored_backup_has_no_links()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("ana");
        var secret = SecretIn(await DoneAsync(broker.Program.DataFolder, "password-link", "ana"));
        await DoneAsync(broker.Program.DataFolder, "backup", _folder.In("backup"));
        using HttpClient http = new() { BaseAddress = broker.Http };
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(http, "/api/password-links", new { secret, password = NewPassword })).Status);

        await DoneAsync(_folder.In("restored"), "restore", _folder.In("backup"));

        // The account has its password of before again, so that the link would fit.
        await using var documents = WebMessenger.Storage.Documents.DocumentStore.Open(DataFolder.AccountsFileIn(_folder.In("restored")));
        Assert.Single(await documents.Documents.PageAsync("accounts", null, 2));
        Assert.Empty(await documents.Documents.PageAsync("passwordLinks", null, 1));
    }

    [Fact]
    public async Task Fault_P37_What_cannot_be_done_is_one_line_that_says_why()
    {
        await using var broker = await RunningBroker.StartAsync();
        await broker.RegisterAsync("ana");
        var guest = (await broker.Get<Registration>().EnterAsGuestAsync("Zoe", null)).Value!;
        var data = broker.Program.DataFolder;

        Assert.Equal(
            "No link was made. There is no account with the user name or e-mail address nobody.",
            await RefusedAsync(data, "password-link", "nobody"));
        Assert.Equal(
            $"No link was made. {guest.UserName} is a guest, and guests have no password.",
            await RefusedAsync(data, "password-link", guest.UserName));
        string[] noOrigins =
        [
            "chat.example.org", "ftp://chat.example.org", "https://chat.example.org/x", "https://a@chat.example.org",
            "https://chat.example.org#x",
        ];
        foreach (var origin in noOrigins)
        {
            var refused = await RefusedAsync(data, "password-link", "ana", "--origin", origin);
            Assert.StartsWith($"No link was made. --origin is '{origin}'", refused, StringComparison.Ordinal);
        }

        var said = await DoneAsync(data, "password-link", "ana", "--origin=https://chat.example.org");
        Assert.Contains("\n  https://chat.example.org/p#", said, StringComparison.Ordinal);
        Assert.DoesNotContain("--origin", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("password-link")]
    [InlineData("password-link", "--origin", "https://chat.example.org")]
    [InlineData("password-link", "ana", "--reason", "x")]
    [InlineData("password-link", "ana", "--WebMessenger:DataFolder=x", "--origin", "https://chat.example.org")]
    [InlineData("ban", "ana", "--origin", "https://chat.example.org")]
    public async Task Fault_P37_What_is_no_command_line_gets_the_usage(params string[] typed)
    {
        StringWriter error = new();

        Assert.Equal(2, await CommandProgram.RunAsync(typed, TextWriter.Null, error));

        Assert.Contains($"\nUsage: WebMessenger {typed[0]} ", error.ToString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://localhost:8080", "/", "http://localhost:8080")]
    [InlineData("http://localhost:80", "/chat/", "http://localhost/chat")]
    [InlineData("https://chat.example.org:443", "/chat", "https://chat.example.org/chat")]
    [InlineData("https://0.0.0.0:8443", "/", "https://localhost:8443")]
    [InlineData("https://[::]:8443", "", "https://localhost:8443")]
    [InlineData("http://0.0.0.0:8080", "/", "http://{machine}:8080")]
    public void Fault_P37_The_address_is_that_of_the_pages(string listening, string basePath, string expected)
    {
        using TestCertificate files = new();
        Assert.True(BasePath.TryParse(basePath, out var path));
        TlsSettings tls = new(8883, IPAddress.Loopback, files.CertificateFile, files.KeyFile, null);

        var pages = PagesAddress.Of(listening, tls, path);

        Assert.Equal(expected.Replace("{machine}", Environment.MachineName.ToLowerInvariant(), StringComparison.Ordinal), pages);
    }

    private static string SecretIn(string said) => Regex.Match(said, "/p#([A-Za-z0-9_-]{22})\n").Groups[1].Value;

    private static async Task<(HttpStatusCode Status, JsonElement Body)> PostAsync(HttpClient http, string path, object body)
    {
        using var answer = await http.PostAsJsonAsync(path, body, TestContext.Current.CancellationToken);
        return (answer.StatusCode, await answer.Content.ReadFromJsonAsync<JsonElement>(TestContext.Current.CancellationToken));
    }
}
