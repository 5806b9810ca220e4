using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace WebMessenger.Broker.Hosting.Backups;

/// <summary>What the server answers on its snapshot socket, one JSON object a line.</summary>
/// <param name="Process">Sent first: the server's process id.</param>
/// <param name="Folder">The snapshot is made, and lies there until <see cref="SnapshotProtocol.Done"/> is said or the connection ends.</param>
/// <param name="Begun">With the folder: all that was acknowledged before is in it.</param>
/// <param name="Error">Nothing comes after it.</param>
internal sealed record SnapshotAnswer(int? Process = null, string? Folder = null, DateTimeOffset? Begun = null, string? Error = null);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(SnapshotAnswer))]
internal sealed partial class SnapshotJson : JsonSerializerContext;

/// <summary>What both ends of the snapshot socket share.</summary>
/// <remarks>
/// A Unix domain socket in the data folder, which only the server's own user (and root) can open: whoever can reach it could read the data as well. Windows 10 and later
/// have such sockets too; there the rights of the data folder hold.
/// </remarks>
internal static class SnapshotProtocol
{
    public const string Ask = "snapshot 1";

    public const string Done = "done";

    // Linux takes 107 bytes, macOS 103.
    private const int LongestPath = 100;

    public static Socket NewSocket() => new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);

    /// <summary>Calls with an address for the socket at <paramref name="path"/>. A path that is too long for an address is reached through a link that is gone after.</summary>
    /// <exception cref="IOException">It cannot be reached so.</exception>
    public static async Task AtAsync(string path, Func<UnixDomainSocketEndPoint, Task> call)
    {
        if (Encoding.UTF8.GetByteCount(path) <= LongestPath)
        {
            await call(new(path));
            return;
        }

        var shortcut = Directory.CreateTempSubdirectory("wm-");
        try
        {
            var link = Path.Combine(shortcut.FullName, "d");
            Directory.CreateSymbolicLink(link, Path.GetDirectoryName(path)!);
            await call(new(Path.Combine(link, Path.GetFileName(path))));
        }
        finally
        {
            // The link, not what it leads to.
            shortcut.Delete(recursive: true);
        }
    }

    public static async Task AnswerAsync(this StreamWriter writer, SnapshotAnswer answer)
    {
        await writer.WriteLineAsync(JsonSerializer.Serialize(answer, SnapshotJson.Default.SnapshotAnswer));
        await writer.FlushAsync();
    }

    /// <summary>Null when the other end has gone.</summary>
    public static async Task<SnapshotAnswer?> ReadAnswerAsync(this StreamReader reader, CancellationToken cancellation) =>
        await reader.ReadLineAsync(cancellation) is { } line ? JsonSerializer.Deserialize(line, SnapshotJson.Default.SnapshotAnswer) : null;
}
