using System.Net.Sockets;
using System.Text;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Operator;

/// <summary>The Unix domain socket in the data folder at which commands of the program ask the running server.</summary>
/// <remarks>
/// Only the server's own user (and root) can open it: whoever can reach it could read and change the data as well.
/// Windows 10 and later have such sockets too; there the rights of the data folder hold.
/// </remarks>
internal static class OperatorSocket
{
    // Linux takes 107 bytes, macOS 103.
    private const int LongestPath = 100;

    /// <summary>Calls with a path for the socket of <paramref name="dataFolder"/>. A path that is too long for a socket is reached through
    /// a link that is gone after.</summary>
    /// <exception cref="IOException">It cannot be reached so.</exception>
    public static async Task AtAsync(string dataFolder, Func<string, Task> call)
    {
        var path = DataFolder.ControlSocketIn(dataFolder);
        if (Encoding.UTF8.GetByteCount(path) <= LongestPath)
        {
            await call(path);
            return;
        }

        var shortcut = Directory.CreateTempSubdirectory("wm-");
        try
        {
            var link = Path.Combine(shortcut.FullName, "d");
            Directory.CreateSymbolicLink(link, Path.GetDirectoryName(path)!);
            await call(Path.Combine(link, Path.GetFileName(path)));
        }
        finally
        {
            // The link, not what it leads to.
            shortcut.Delete(recursive: true);
        }
    }

    /// <exception cref="SocketException">Nobody answers there.</exception>
    /// <exception cref="IOException">It cannot be reached.</exception>
    public static async Task<Socket> ConnectAsync(string dataFolder, CancellationToken cancellation)
    {
        Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await AtAsync(dataFolder, path => socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation).AsTask());
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
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
}
