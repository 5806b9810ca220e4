using System.Globalization;
using System.Reflection;
using Npgsql;

namespace WebMessenger.Cluster.Migrations;

/// <summary>The tables of a cluster: numbered steps, each of which is done once, in the program that first needs it.</summary>
/// <remarks>
/// A step is `NNNN-name.sql` beside this class's assembly. Two neighbouring versions of the program run side by side: so a step only adds
/// what
/// the version before does not mind, and what it leaves unused goes with a step of the version after.
/// </remarks>
internal static class Schema
{
    /// <summary>Key of the advisory lock under which one node at a time changes the schema: "wm" and 1.</summary>
    private const long Lock = 0x77_6D_00_00_00_01;

    private static readonly Assembly _assembly = typeof(Schema).Assembly;

    /// <summary>The steps that this version knows, in order.</summary>
    public static IReadOnlyList<(int Number, string Name)> Steps { get; } =
    [
        .. _assembly.GetManifestResourceNames().Where(name => name.EndsWith(".sql", StringComparison.Ordinal))
            .Select(name => (int.Parse(name[..4], CultureInfo.InvariantCulture), name)).Order(),
    ];

    /// <summary>Does what is not done yet; one node at a time, each step in a transaction.</summary>
    /// <returns>How many were done.</returns>
    /// <exception cref="IOException">A newer program than the next version has been here: its tables are not known.</exception>
    /// <exception cref="NpgsqlException">The database is not there, or refuses.</exception>
    public static async Task<int> MigrateAsync(NpgsqlDataSource database, CancellationToken cancellation = default)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await ExecuteAsync(connection, $"SELECT pg_advisory_lock({Lock})", cancellation);
        try
        {
            await ExecuteAsync(
                connection, "CREATE TABLE IF NOT EXISTS schema_steps (number int PRIMARY KEY, name text NOT NULL, at timestamptz NOT NULL DEFAULT now())", cancellation);
            var done = await DoneAsync(connection, cancellation);
            if (done.Count > 0 && done.Max() > Steps[^1].Number + 1)
            {
                throw new IOException(
                    $"The database was brought to step {done.Max()} by a newer version of this program; this one knows {Steps[^1].Number}. Start the newer version.");
            }

            var made = 0;
            foreach (var (number, name) in Steps.Where(step => !done.Contains(step.Number)))
            {
                await using var transaction = await connection.BeginTransactionAsync(cancellation);
                await ExecuteAsync(connection, Read(name), cancellation);
                await using NpgsqlCommand note = new("INSERT INTO schema_steps (number, name) VALUES ($1, $2)", connection);
                note.Parameters.Add(new() { Value = number });
                note.Parameters.Add(new() { Value = name });
                await note.ExecuteNonQueryAsync(cancellation);
                await transaction.CommitAsync(cancellation);
                made++;
            }

            return made;
        }
        finally
        {
            await ExecuteAsync(connection, $"SELECT pg_advisory_unlock({Lock})", CancellationToken.None);
        }
    }

    private static async Task<HashSet<int>> DoneAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        HashSet<int> done = [];
        await using NpgsqlCommand command = new("SELECT number FROM schema_steps", connection);
        await using var reader = await command.ExecuteReaderAsync(cancellation);
        while (await reader.ReadAsync(cancellation))
        {
            done.Add(reader.GetInt32(0));
        }

        return done;
    }

    private static string Read(string name)
    {
        using StreamReader reader = new(_assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    private static async Task ExecuteAsync(NpgsqlConnection connection, string sql, CancellationToken cancellation)
    {
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync(cancellation);
    }
}
