using System.Net;
using System.Net.Sockets;
using System.Text;
using Npgsql;

namespace WebMessenger.Cluster.Tests.Postgres;

/// <summary>Stands between a log and its database, and cuts a connection at what is sent or answered.</summary>
internal sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly NpgsqlConnectionStringBuilder _database;
    private readonly Task _accepting;
    private string? _marker;
    private bool _letsThrough;

    public CuttingProxy(string connection)
    {
        _database = new(connection);
        _listener.Start();
        Connection = new NpgsqlConnectionStringBuilder(connection) { Port = ((IPEndPoint)_listener.LocalEndpoint).Port, SslMode = SslMode.Disable }.ConnectionString;
        _accepting = AcceptAsync();
    }

    public string Connection { get; }

    /// <summary>Cuts the connection on which this text is sent: before it arrives, or when the database has answered and nobody has heard
    /// it.</summary>
    public void CutAt(string marker, bool letsThrough)
    {
        _letsThrough = letsThrough;
        Volatile.Write(ref _marker, marker);
    }

    public async ValueTask DisposeAsync()
    {
        _listener.Stop();
        await _accepting;
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            TcpClient client;
            try
            {
                client = await _listener.AcceptTcpClientAsync();
            }
            catch (Exception error) when (error is SocketException or ObjectDisposedException or InvalidOperationException)
            {
                return;
            }

            _ = Task.Run(() => PassAsync(client));
        }
    }

    private async Task PassAsync(TcpClient client)
    {
        using var ours = client;
        using TcpClient theirs = new();
        try
        {
            await theirs.ConnectAsync(_database.Host!, _database.Port);
            var isCut = new TaskCompletionSource();
            var back = BackAsync(theirs.GetStream(), ours.GetStream(), isCut.Task);
            var buffer = new byte[1 << 20];
            while (await ours.GetStream().ReadAsync(buffer) is > 0 and var length)
            {
                if (Volatile.Read(ref _marker) is { } marker && buffer.AsSpan(0, length).IndexOf(Encoding.ASCII.GetBytes(marker)) >= 0)
                {
                    Volatile.Write(ref _marker, null);
                    if (!_letsThrough)
                    {
                        return;
                    }

                    isCut.SetResult();
                    await theirs.GetStream().WriteAsync(buffer.AsMemory(0, length));
                    await back;
                    return;
                }

                await theirs.GetStream().WriteAsync(buffer.AsMemory(0, length));
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            // One of the two has gone.
        }
    }

    // Ends with the first answer after the cut, which it keeps to itself.
    private static async Task BackAsync(NetworkStream from, NetworkStream to, Task isCut)
    {
        try
        {
            var buffer = new byte[1 << 16];
            while (await from.ReadAsync(buffer) is > 0 and var length && !isCut.IsCompleted)
            {
                await to.WriteAsync(buffer.AsMemory(0, length));
            }
        }
        catch (Exception error) when (error is IOException or SocketException or ObjectDisposedException)
        {
            // One of the two has gone.
        }
    }
}
