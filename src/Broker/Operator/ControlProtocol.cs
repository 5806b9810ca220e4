using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Operator;

/// <summary>One of the JSON objects, a line each, that the running server answers to a command.</summary>
internal interface IControlAnswer
{
    /// <summary>What was asked for was not done, and nothing comes after this. One line for the operator.</summary>
    string? Error { get; }
}

/// <summary>An answer that the server can give whatever it was asked for.</summary>
internal sealed record ControlError(string Error) : IControlAnswer;

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(ControlError))]
internal sealed partial class ControlJson : JsonSerializerContext;

/// <summary>What both ends of the control socket share, at which commands of the program ask the running server.</summary>
/// <remarks>
/// <para>A Unix domain socket in the data folder, which only the server's own user (and root) can open: whoever can reach it could read and change the data as well.
/// Windows 10 and later have such sockets too; there the rights of the data folder hold.</para>
/// <para>Who asks says one line: the name of a service with its version, then, after a space, what the service wants to know. Another version is another name.</para>
/// </remarks>
internal static class ControlProtocol
{
    /// <summary>The longest request; a ban with its reason is a third of it.</summary>
    public const int LongestRequest = 4096;

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

    /// <summary>The line of who asks; null at the end of the connection.</summary>
    /// <exception cref="IOException">It is longer than <see cref="LongestRequest"/>: what has no end is not kept to wait for
    /// it.</exception>
    public static async Task<string?> ReadRequestAsync(this StreamReader reader, CancellationToken cancellation)
    {
        StringBuilder line = new();
        var one = new char[1];
        while (await reader.ReadAsync(one, cancellation) == 1)
        {
            if (one[0] == '\n')
            {
                return line.ToString().TrimEnd('\r');
            }

            if (/* guard: a request has an end */ line.Length == LongestRequest)
            {
                throw new IOException("What was asked at the control socket has no end.");
            }

            line.Append(one[0]);
        }

        return null;
    }

    /// <summary>
    /// Whether who asks is the server's own user, or root. Where the system does not tell, the mode of the socket says it.
    /// </summary>
    public static bool IsOwn(Socket client)
    {
        const int socketLevel = 1, peerCredentials = 17;
        if (!OperatingSystem.IsLinux())
        {
            return true;
        }

        // struct ucred: process, user, group (unix(7)).
        Span<byte> credentials = stackalloc byte[12];
        return client.GetRawSocketOption(socketLevel, peerCredentials, credentials) == credentials.Length
            && BitConverter.ToUInt32(credentials[4..8]) is var user && (user == 0 || user == FolderRights.UserId());
    }

    public static async Task AnswerAsync<T>(this StreamWriter writer, T answer, JsonTypeInfo<T> type)
        where T : IControlAnswer
    {
        await writer.WriteLineAsync(JsonSerializer.Serialize(answer, type));
        await writer.FlushAsync();
    }

    /// <summary>Null when the other end has gone.</summary>
    public static async Task<T?> ReadAnswerAsync<T>(this StreamReader reader, JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class, IControlAnswer =>
        await reader.ReadLineAsync(cancellation) is { } line ? JsonSerializer.Deserialize(line, type) : null;
}
