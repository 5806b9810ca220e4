using System.Diagnostics;
using System.Runtime.CompilerServices;
using Npgsql;
using WebMessenger.Cluster.Moving;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Cluster.Tests.Moving;

/// <summary>This executable again, as a process that may be killed: it moves a folder into a database, and ends.</summary>
internal static class MovingChild
{
    private const string FolderVariable = "WEBMESSENGER_TEST_MOVE_FROM", DatabaseVariable = "WEBMESSENGER_TEST_MOVE_TO";

    /// <summary>Of the folder.</summary>
    public static Guid Source { get; } = new("3f2504e0-4f89-41d3-9a0c-0305e82c3301");

    public static Process Start(string folder, string connection) => Process.Start(new ProcessStartInfo(
        Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", ["exec", typeof(MovingChild).Assembly.Location])
    {
        RedirectStandardOutput = true,
        Environment = { [FolderVariable] = folder, [DatabaseVariable] = connection },
    })!;

    /// <summary>Moves it in this process.</summary>
    public static async Task<List<string>> RunAsync(string folder, string connection, Guid? source = null)
    {
        List<string> told = [];
        await using var documents = DocumentStore.Open(UsedFolder.AccountsIn(folder));
        using var logs = RawLogs.Open(UsedFolder.RoomsIn(folder), TimeProvider.System);
        await using var database = NpgsqlDataSource.Create(connection);
        await new FolderMove(documents, logs, source ?? Source, database, TimeProvider.System, told.Add).RunAsync(CancellationToken.None);
        return told;
    }

    // Before xunit, in the module's initializer: no other thread may enter this assembly meanwhile, so nothing here is asynchronous.
    [ModuleInitializer]
    internal static void RunIfChild()
    {
        if (Environment.GetEnvironmentVariable(FolderVariable) is { } folder)
        {
            var documents = DocumentStore.Open(UsedFolder.AccountsIn(folder));
            var logs = RawLogs.Open(UsedFolder.RoomsIn(folder), TimeProvider.System);
            var database = NpgsqlDataSource.Create(Environment.GetEnvironmentVariable(DatabaseVariable)!);
            new FolderMove(documents, logs, Source, database, TimeProvider.System, Console.WriteLine).RunAsync(CancellationToken.None).GetAwaiter().GetResult();
            Environment.Exit(0);
        }
    }
}
