using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.Json;
using Npgsql;
using WebMessenger.EndToEnd.Tests.Servers;
using WebMessenger.Load.Servers;
using WebMessenger.Postgres.Testing;

namespace WebMessenger.EndToEnd.Tests.Cluster;

/// <summary>A house that goes from a folder into a database, from that into another one, and to a standby: real programs on real
/// data.</summary>
public sealed class MovedHouseTests
{
    private const int Lines = 200;

    [Fact(Explicit = true)]
    public async Task What_was_said_to_a_program_alone_is_there_at_a_node_and_who_was_signed_in_still_is()
    {
        var database = await DatabaseAsync();
        var connection = await database.CreateDatabaseAsync();
        var folder = Directory.CreateTempSubdirectory("webmessenger-moved-").FullName;
        try
        {
            await using var alone = await ServerProcess.StartInAsync(folder, SharedServer.NoLimits);
            using var ana = await Person.RegisterAsync(alone);
            await SayAsync(ana, alone);
            var before = await ana.EventsAsync();
            await alone.TerminateAsync();

            var (code, output, error) = await RunAsync("cluster", "move", $"--WebMessenger:DataFolder={folder}", $"--WebMessenger:Cluster:Postgres={connection}");
            Assert.Equal((0, ""), (code, error));
            Assert.Contains("are as in the folder", output, StringComparison.Ordinal);

            await using var node = await ServerProcess.StartInAsync(folder, [.. SharedServer.NoLimits, .. SettingsOf(connection)]);
            using var moved = ana.At(node);
            AssertSame(before, await moved.EventsAsync());
            await moved.SayAsync(node, "lobby", "after the move");
            var after = await moved.EventsAsync();
            Assert.True(after[^1].GetProperty("seq").GetInt64() > before[^1].GetProperty("seq").GetInt64());
            Assert.Equal(before[^1].GetProperty("epoch").GetString(), after[^1].GetProperty("epoch").GetString());
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact(Explicit = true)]
    public async Task A_dump_that_is_restored_has_all_that_was_said_other_epochs_and_nobody_signed_in()
    {
        var database = await DatabaseAsync();
        var connection = await database.CreateDatabaseAsync();
        await using var node = await ServerProcess.StartAloneAsync([.. SharedServer.NoLimits, .. SettingsOf(connection)]);
        using var ana = await Person.RegisterAsync(node);
        await SayAsync(ana, node);
        var before = await ana.EventsAsync();
        var token = await ana.NewTokenAsync();
        var restored = await database.CreateDatabaseAsync();
        var file = Path.GetTempFileName();
        await database.RunAsync("pg_dump", "--format=custom", "--exclude-table-data=search_*", "--file=" + file, "--dbname=" + NameOf(connection));
        await database.RunAsync("pg_restore", "--no-owner", "--exit-on-error", "--dbname=" + NameOf(restored), file);
        File.Delete(file);

        // The house that was dumped goes on.
        await using var other = await ServerProcess.StartAloneAsync([.. SharedServer.NoLimits, .. SettingsOf(restored)]);

        using (var signedOut = await ana.At(other).Http.GetAsync("/api/sessions", TestContext.Current.CancellationToken))
        {
            Assert.Equal(HttpStatusCode.Unauthorized, signedOut.StatusCode);
        }

        using HttpClient script = new() { BaseAddress = other.Address };
        script.DefaultRequestHeaders.Authorization = new("Bearer", token);
        var page = JsonElement.Parse(await script.GetStringAsync("/api/rooms/lobby/events?limit=500", TestContext.Current.CancellationToken));
        List<JsonElement> after = [.. page.GetProperty("events").EnumerateArray()];
        AssertSame(before, after);
        Assert.NotEqual(before[^1].GetProperty("epoch").GetString(), after[^1].GetProperty("epoch").GetString());
        await ana.SayAsync(node, "lobby", "still here");
    }

    [Fact(Explicit = true)]
    public async Task When_a_synchronous_standby_takes_over_nodes_start_anew_nothing_is_lost_and_people_stay_signed_in()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        await using var primary = await PostgresServer.StartAsync(options: ["max_wal_senders=4"]);
        var connection = await primary.CreateDatabaseAsync();
        await using var standby = await primary.StartStandbyAsync("b");
        await primary.SetAsync("synchronous_standby_names", "b");
        await using TcpWay db = new(primary.Port);
        var named = connection.Replace($"Port={primary.Port}", $"Port={db.Port}", StringComparison.Ordinal);
        await using var node = await ServerProcess.StartAloneAsync([.. SharedServer.NoLimits, .. SettingsOf(named)]);
        using var ana = await Person.RegisterAsync(node);
        await SayAsync(ana, node);
        var before = await ana.EventsAsync();

        primary.Kill();
        await standby.PromoteAsync();
        db.LeadTo(standby.Port);

        Assert.Equal(3, (await node.EndedAsync()).ExitCode);
        await node.StartAgainAsync();
        var after = await ana.EventsAsync();
        AssertSame(before, after);
        Assert.NotEqual(before[^1].GetProperty("epoch").GetString(), after[^1].GetProperty("epoch").GetString());
        await ana.SayAsync(node, "lobby", "after the fail-over");
    }

    private static async Task<PostgresServer> DatabaseAsync()
    {
        Assert.SkipWhen(PostgresServer.WhyNot is not null, PostgresServer.WhyNot ?? "");
        return await PostgresServer.SharedAsync();
    }

    private static string[] SettingsOf(string connection) =>
        ["WebMessenger:Cluster:Postgres=" + connection, string.Create(CultureInfo.InvariantCulture, $"WebMessenger:Cluster:Port={LastingPorts.Two().First}"), "WebMessenger:Cluster:DrainSeconds=0"];

    private static string NameOf(string connection) => new NpgsqlConnectionStringBuilder(connection).Database!;

    private static async Task SayAsync(Person person, ServerProcess server)
    {
        await using var tab = await server.PageAsync(person.Cookie).InLobbyAsync();
        Assert.All(
            await Task.WhenAll(Enumerable.Range(0, Lines).Select(line => tab.PublishAsync(Lobby.Topic, $"line {line}"))), answer => Assert.True(answer.Accepted, answer.ToString()));
    }

    // What was said, each with its number and time; who came and went besides may differ.
    private static void AssertSame(IReadOnlyList<JsonElement> before, IReadOnlyList<JsonElement> after)
    {
        static List<string> Said(IEnumerable<JsonElement> events) => [.. events.Where(one => one.GetProperty("type").GetString() == "message").Select(one =>
            $"{one.GetProperty("seq")} {one.GetProperty("at")} {one.GetProperty("text")}")];
        Assert.Equal(Lines, Said(before).Count);
        Assert.Equal(Said(before), Said(after).Take(Lines));
    }

    private static async Task<(int Code, string Output, string Error)> RunAsync(params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet", [ServerProcess.Program, .. arguments])
        {
            RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = Path.GetTempPath(),
        })!;
        var (output, error) = (process.StandardOutput.ReadToEndAsync(), process.StandardError.ReadToEndAsync());
        await process.WaitForExitAsync();
        return (process.ExitCode, await output, await error);
    }
}
