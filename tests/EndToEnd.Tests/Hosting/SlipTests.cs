using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using WebMessenger.EndToEnd.Tests.Servers;

namespace WebMessenger.EndToEnd.Tests.Hosting;

/// <summary>What operators slip on ends in one line that names it and says what to do, by exit code 1 and without a trace.</summary>
[System.Runtime.Versioning.UnsupportedOSPlatform("windows")]
public sealed class SlipTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("webmessenger-").FullName;

    [Theory]
    [InlineData("B8", "--Urls=http://locahost:8080", "Urls", "localhost")]
    [InlineData("B8", "--Urls=http://chat.example.org:8080", "Urls", "* for all")]
    [InlineData("B9", "--Urls=http://127.0.0.1:70000", "Urls", "65535")]
    [InlineData("B9", "--Urls=http://192.0.2.1:0", "http://192.0.2.1", "this machine has")]
    [InlineData("B9", "--WebMessenger:Mqtt:Address=192.0.2.1", "mqtt://192.0.2.1", "this machine has")]
    [InlineData("B9", "--Urls=;", "Urls", "http://localhost:8080")]
    [InlineData("B9", "--WebMessenger:Limit:TextLength=10", "WebMessenger:Limit:TextLength", "WebMessenger:Limits:TextLength may be meant")]
    [InlineData("B9", "--WebMessenger:Gests=true", "WebMessenger:Gests", "WebMessenger:Guests:Enabled may be meant")]
    [InlineData("B9", "--WebMessenger:TextLength=10", "WebMessenger:TextLength", "WebMessenger:Limits:TextLength may be meant")]
    [InlineData("B9", "--WebMesenger:DataFolder=x", "WebMesenger", "WebMessenger:DataFolder may be meant")]
    [InlineData("A7", "--port 9000", "port", "Urls")]
    [InlineData("A7", "--Url=http://127.0.0.1:0", "Url", "Urls may be meant")]
    [InlineData("B9", "--WebMessenger=5", "WebMessenger", "DataFolder")]
    [InlineData("B9", "--WebMessenger:Rooms:Default=lobby", "WebMessenger:Rooms:Default", "a list")]
    [InlineData("B9", "--WebMessenger:Guests:Enabled=ja", "WebMessenger:Guests:Enabled", "true or false")]
    [InlineData("B9", "--WebMessenger:Limits:PublishBurst=0", "WebMessenger:Limits:PublishBurst", "from 1")]
    [InlineData("B9", "--WebMessenger:Mqtt:Tls:Certificate=/etc/hostname", "WebMessenger:Mqtt:Tls:Certificate", "PEM")]
    [InlineData("B9", "--Urls=https://127.0.0.1:0 --Kestrel:Certificates:Default:Path=/etc/hostname", "Kestrel", "Correct them")]
    [InlineData("B9", "--Kestrel:Endpoints:A:Url=nonsense", "Kestrel", "Correct them")]
    [InlineData("B9", "--Serilog:MinimumLevel=Loud", "Serilog", "Loud")]
    public async Task Fault_B8_B9_A7_A_slip_of_a_setting_is_one_line(string fault, string settings, string names, string says)
    {
        Assert.Matches("^[AB][0-9]$", fault);

        AssertOneLine(await RunAsync("dotnet", [ServerProcess.Program, .. Settings(), .. settings.Split(' ')]), names, says);
    }

    [Fact]
    public async Task Fault_B9_An_address_of_IPv4_that_is_written_as_IPv6_is_listened_on()
    {
        var (code, output, error) = await RunUntilReadyAsync([.. Settings(), "--Urls=http://[::ffff:127.0.0.1]:0"]);

        Assert.Equal((0, ""), (code, error));
        Assert.Contains("WebMessenger is ready", output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fault_B9_Settings_that_are_no_JSON_are_one_line_that_names_the_file()
    {
        var broken = Path.Combine(Copy(), "appsettings.json");
        await File.WriteAllTextAsync(broken, "{ \"Urls\": \"http://127.0.0.1:0\", ", TestContext.Current.CancellationToken);

        AssertOneLine(await RunAsync("dotnet", [Path.Combine(Path.GetDirectoryName(broken)!, "WebMessenger.dll"), .. Settings()]), "appsettings.json", "cannot be read");
    }

    [Fact]
    public async Task Fault_B9_A_port_of_root_is_one_line_for_an_ordinary_user()
    {
        Assert.SkipWhen(
            int.Parse(await File.ReadAllTextAsync("/proc/sys/net/ipv4/ip_unprivileged_port_start", TestContext.Current.CancellationToken), CultureInfo.InvariantCulture) <= 80,
            "Here anybody may listen at port 80.");
        Directory.CreateDirectory(Path.Combine(_folder, "data"));

        AssertOneLine(await RunAsNobodyAsync("--Urls=http://127.0.0.1:80"), "http://127.0.0.1:80", "1024");
    }

    [Fact]
    public async Task Fault_B9_A_data_folder_that_is_for_reading_only_is_one_line()
    {
        Directory.CreateDirectory(Path.Combine(_folder, "data"), UnixFileMode.UserRead | UnixFileMode.UserExecute);

        AssertOneLine(await RunAsNobodyAsync("--Urls=http://127.0.0.1:0"), Path.Combine(_folder, "data"), "WebMessenger:DataFolder");
    }

    [Theory]
    [InlineData("WebMessenger:Mqtt:Port", "--WebMessenger:Mqtt:Port={0}")]
    [InlineData("Urls has port", "--Urls=http://127.0.0.1:{0};http://*:{0}")]
    public async Task Fault_B9_A_port_that_two_settings_want_is_one_line_that_names_both(string names, string settings)
    {
        using TcpListener free = new(IPAddress.Loopback, 0);
        free.Start();
        var port = ((IPEndPoint)free.LocalEndpoint).Port.ToString(CultureInfo.InvariantCulture);
        free.Stop();

        var ended = await RunAsync("dotnet", [ServerProcess.Program, .. Settings(), $"--Urls=http://127.0.0.1:{port}", string.Format(CultureInfo.InvariantCulture, settings, port)]);

        AssertOneLine(ended, names, $"port {port}");
        Assert.Contains("Urls", ended.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("Stop what uses it", ended.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("servr", 2, "There is no command servr.")]
    [InlineData("ban", 2, "Nobody was banned. USER is missing.")]
    public async Task Fault_B9_A_slip_of_a_command_starts_no_server(string typed, int code, string says)
    {
        var ended = await RunAsync("dotnet", [ServerProcess.Program, typed]);

        Assert.Equal((code, ""), (ended.ExitCode, ended.Output));
        Assert.StartsWith(says, ended.Error, StringComparison.Ordinal);
        Assert.Contains("Usage: WebMessenger", ended.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--help", "Usage: WebMessenger")]
    [InlineData("-h", "Usage: WebMessenger")]
    [InlineData("help", "Usage: WebMessenger")]
    [InlineData("--version", "WebMessenger 0.")]
    public async Task Help_and_the_version_are_printed_and_no_server_starts(string typed, string says)
    {
        var ended = await RunAsync("dotnet", [ServerProcess.Program, typed]);

        Assert.Equal((0, ""), (ended.ExitCode, ended.Error));
        Assert.StartsWith(says, ended.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_locale_and_a_time_zone_that_are_not_there_keep_nobody_from_starting()
    {
        var (code, output, error) = await RunUntilReadyAsync(
            [.. Settings(), "--Urls=http://127.0.0.1:0"], ("LANG", "xx_YY.UTF-8"), ("LC_ALL", "tr_TR.UTF-8"), ("TZ", "No/Where"));

        Assert.Equal((0, ""), (code, error));
        Assert.Contains("WebMessenger is ready", output, StringComparison.Ordinal);
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    private string[] Settings() =>
        ["--Urls=http://127.0.0.1:0", "--WebMessenger:Mqtt:Port=0", $"--WebMessenger:DataFolder={Path.Combine(_folder, "data")}"];

    /// <summary>The program in a folder of its own, whose settings a test may spoil.</summary>
    private string Copy()
    {
        var from = Path.GetDirectoryName(ServerProcess.Program)!;
        var to = Directory.CreateDirectory(Path.Combine(_folder, "program")).FullName;
        foreach (var file in Directory.EnumerateFiles(from))
        {
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        }

        return to;
    }

    private Task<Ended> RunAsNobodyAsync(string setting)
    {
        string[] typed = [ServerProcess.Program, .. Settings(), setting];
        if (!Environment.IsPrivilegedProcess)
        {
            return RunAsync("dotnet", typed);
        }

        // Root may do what an ordinary user may not.
        const string nobody = "65534";
        foreach (var folder in Directory.EnumerateDirectories(_folder).Append(_folder).Where(folder => !folder.EndsWith("data", StringComparison.Ordinal) || IsWritable(folder)))
        {
            using var chown = Process.Start("chown", [nobody, folder]);
            chown.WaitForExit();
        }

        return RunAsync("setpriv", ["--reuid", nobody, "--regid", nobody, "--clear-groups", "dotnet", .. typed]);
    }

    private static bool IsWritable(string folder) => File.GetUnixFileMode(folder).HasFlag(UnixFileMode.UserWrite);

    private static async Task<Ended> RunAsync(string program, string[] typed)
    {
        using var process = Start(program, typed, []);
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        try
        {
            await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        }
        finally
        {
            process.Kill();
        }

        return new Ended(process.ExitCode, await output, await error);
    }

    private static async Task<(int Code, string Output, string Error)> RunUntilReadyAsync(string[] typed, params (string Name, string Value)[] environment)
    {
        using var process = Start("dotnet", [ServerProcess.Program, .. typed], environment);
        var error = process.StandardError.ReadToEndAsync();
        var output = "";
        while (!output.Contains("is ready", StringComparison.Ordinal) && await process.StandardOutput.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(60)) is { } line)
        {
            output += line + "\n";
        }

        using (var kill = Process.Start("kill", ["-TERM", process.Id.ToString(CultureInfo.InvariantCulture)]))
        {
            await kill.WaitForExitAsync();
        }

        await process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return (process.ExitCode, output, await error);
    }

    private static Process Start(string program, string[] typed, (string Name, string Value)[] environment)
    {
        ProcessStartInfo start = new(program, typed)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = Path.GetTempPath(),
        };
        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return Process.Start(start)!;
    }

    private static void AssertOneLine(Ended ended, string names, string says)
    {
        Assert.Equal(1, ended.ExitCode);
        var line = Assert.Single(ended.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        Assert.StartsWith("WebMessenger cannot start.", line, StringComparison.Ordinal);
        Assert.Contains(names, line, StringComparison.Ordinal);
        Assert.Contains(says, line, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", ended.Output, StringComparison.Ordinal);

        // What had started already is stopped before its stores are closed: it says nothing of them.
        Assert.DoesNotContain("The follower", ended.Output, StringComparison.Ordinal);
    }
}
