using System.Globalization;
using Npgsql;
using WebMessenger.Broker.Settings;
using WebMessenger.Cluster;
using WebMessenger.Cluster.Checks;
using WebMessenger.Cluster.Connections;
using WebMessenger.Cluster.Migrations;
using WebMessenger.Cluster.Moving;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Operator;

/// <summary>
/// `cluster check`: what is well and what is not with the database and the nodes. `cluster move`: brings the data folder into the database.
/// `cluster restored`: says that files of the database were put back.
/// </summary>
/// <remarks>It names the cluster's classes; a server that is alone never calls it.</remarks>
internal sealed class ClusterCommand(BrokerSettings settings, TextWriter output, TimeProvider time)
{
    /// <exception cref="CommandException">Something is wrong, or was not done.</exception>
    /// <exception cref="IOException">The database cannot be used.</exception>
    public Task RunAsync(string what, bool keepsLogins, CancellationToken cancellation)
    {
        var cluster = settings.Cluster
            ?? throw new CommandException(
                "There is no cluster: set WebMessenger:Cluster:Postgres to the connection string of its database, or call this with the settings of a node, as docs/cluster.md shows.");
        return what switch
        {
            "check" when !keepsLogins => CheckAsync(cluster, cancellation),
            "move" when !keepsLogins => MoveAsync(cluster, cancellation),
            "restored" => RestoredAsync(cluster, keepsLogins, cancellation),
            "check" or "move" => throw new CommandException($"cluster {what} has no --keep-logins."),
            _ => throw new CommandException($"There is no cluster {Events.PlainLine.Of(what)}: it is check, move or restored."),
        };
    }

    private async Task CheckAsync(ClusterSettings cluster, CancellationToken cancellation)
    {
        var rows = await Named(() => new ClusterCheck(OptionsOf(cluster), time).RunAsync(cancellation));
        var (what, found) = (rows.Max(row => row.What.Length), rows.Max(row => Math.Min(row.Found.Length, 60)));
        foreach (var row in rows)
        {
            var verdict = row.Verdict switch { CheckVerdict.Good => "ok", CheckVerdict.Advice => "advice", _ => "WRONG" };
            output.WriteLine($"{verdict,-6}  {row.What.PadRight(what)}  {row.Found.PadRight(found)}  {row.ToDo}".TrimEnd());
        }

        var wrong = rows.Count(row => row.Verdict == CheckVerdict.Wrong);
        if (wrong > 0)
        {
            throw new CommandException(string.Create(CultureInfo.InvariantCulture, $"{wrong} of {rows.Count} points are wrong."));
        }
    }

    private async Task MoveAsync(ClusterSettings cluster, CancellationToken cancellation)
    {
        var path = settings.DataFolder;
        using var folder = DataFolder.OpenIfFree(path) ?? throw new CommandException($"A server is running on the data folder {path}. Stop it first.");
        folder.ThrowIfHalfRestored();
        if (!File.Exists(folder.AccountsFile) && !Directory.Exists(folder.RoomsFolder))
        {
            throw new CommandException($"There is no data in {path}. Set WebMessenger:DataFolder to the folder that the server used.");
        }

        var began = time.GetTimestamp();
        await using var database = await Named(() => Task.FromResult(NpgsqlDataSource.Create(cluster.Postgres)));
        var source = folder.BeginMove(out var isNew);
        FolderMove? move = null;
        try
        {
            if (!await FolderMove.IsDoneAsync(database, source, cancellation))
            {
                await BringUpAsync(folder);
                await using var documents = DocumentStore.Open(folder.AccountsFile);
                using var logs = RawLogs.Open(folder.RoomsFolder, time);
                move = new FolderMove(documents, logs, source, database, time, output.WriteLine);
                await move.RunAsync(cancellation);
            }
        }
        catch (Exception) when (isNew && move is not { HasBegun: true })
        {
            folder.AbandonMove();
            throw;
        }
        catch (OperationCanceledException error)
        {
            throw new CommandException("Stopped; run it again to go on where it was.", error);
        }

        var aside = folder.FinishMove();
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"Done in {time.GetElapsedTime(began).TotalSeconds:F1} s. Start the nodes. What was in the folder is in {aside}: keep it until you trust a backup of the database"));
    }

    // As a start would, so that what is moved is of the formats of this version.
    private async Task BringUpAsync(DataFolder folder)
    {
        await using var accounts = await StoppedAccounts.OpenAsync(folder, time);
    }

    private async Task RestoredAsync(ClusterSettings cluster, bool keepsLogins, CancellationToken cancellation)
    {
        await using var database = await Named(() => Task.FromResult(new NpgsqlConnection(cluster.Postgres)));
        try
        {
            await database.OpenAsync(cancellation);
        }
        catch (NpgsqlException error)
        {
            throw error.ToIOException();
        }

        await DatabaseLife.ForgetAsync(database, keepsLogins, cancellation);
        output.WriteLine(keepsLogins
            ? "Noted. The next start gives all logs new epochs; login sessions are kept, those too that have ended since"
            : "Noted. The next start gives all logs new epochs, and ends login sessions of browsers and passwords");
    }

    // Not its own words: they may name the password.
    private static async Task<T> Named<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        catch (ArgumentException error)
        {
            throw new CommandException("The setting WebMessenger:Cluster:Postgres is no connection string, such as Host=db;Database=webmessenger;Username=webmessenger;Password=….", error);
        }
    }

    private static HouseOptions OptionsOf(ClusterSettings cluster) => new()
    {
        Postgres = cluster.Postgres,
        Address = cluster.Address,
        Port = cluster.Port,
        Certificate = cluster.Certificate,
        CertificateKey = cluster.CertificateKey,
        Authority = cluster.Authority,
        ReadConnections = cluster.ReadConnections,
    };
}
