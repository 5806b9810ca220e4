using Npgsql;

namespace WebMessenger.Cluster.Moving;

/// <summary>What of a folder is moved at a time, in this order.</summary>
internal enum MoveStage
{
    Documents = 0,
    Claims = 1,
    Records = 2,
    Logs = 3,
    Check = 4,
}

/// <summary>How far a move has come; written in the transaction of what was moved last, so that it goes on exactly there.</summary>
/// <param name="Name">The collection or log of which something was moved last; empty: none yet.</param>
/// <param name="Position">In it; what it means is the stage's business.</param>
/// <param name="Rows">Of this stage so far.</param>
internal sealed record MoveProgress(MoveStage Stage, string Name, byte[] Position, long Rows)
{
    public static MoveProgress StartOf(MoveStage stage) => new(stage, "", [], 0);

    public async Task StoreAsync(NpgsqlConnection database, CancellationToken cancellation)
    {
        await using NpgsqlCommand store = new("UPDATE moves SET stage = $1, name = $2, position = $3, rows = $4", database);
        store.Parameters.AddRange(Array.ConvertAll(new object[] { (int)Stage, Name, Position, Rows }, value => new NpgsqlParameter { Value = value }));
        await store.ExecuteNonQueryAsync(cancellation);
    }
}
