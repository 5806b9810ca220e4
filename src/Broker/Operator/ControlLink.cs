using System.Net.Sockets;
using System.Text.Json.Serialization.Metadata;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Operator;

/// <summary>A command's end of the control socket.</summary>
internal sealed class ControlLink : IAsyncDisposable
{
    private readonly NetworkStream _stream;
    private readonly StreamReader _reader;
    private readonly StreamWriter _writer;

    private ControlLink(Socket socket)
    {
        _stream = new NetworkStream(socket, ownsSocket: true);
        (_reader, _writer) = (new StreamReader(_stream, leaveOpen: true), new StreamWriter(_stream, leaveOpen: true));
    }

    /// <summary>Null: nobody answers there.</summary>
    public static async Task<ControlLink?> OpenAsync(string dataFolder, CancellationToken cancellation)
    {
        var socket = ControlProtocol.NewSocket();
        try
        {
            await ControlProtocol.AtAsync(DataFolder.ControlSocketIn(dataFolder), address => socket.ConnectAsync(address, cancellation).AsTask());
            return new ControlLink(socket);
        }
        catch (Exception error)
        {
            socket.Dispose();
            if (error is SocketException or IOException or UnauthorizedAccessException)
            {
                return null;
            }

            throw;
        }
    }

    public async Task SayAsync(string line)
    {
        try
        {
            await _writer.WriteLineAsync(line);
            await _writer.FlushAsync();
        }
        catch (IOException)
        {
            // The server has gone, or has said why it will not: reading tells.
        }
    }

    /// <exception cref="CommandException">The server has gone, or says that it will not.</exception>
    public async Task<T> ReadAsync<T>(JsonTypeInfo<T> type, CancellationToken cancellation)
        where T : class, IControlAnswer
    {
        T? answer = null;
        try
        {
            answer = await _reader.ReadAnswerAsync(type, cancellation);
        }
        catch (IOException)
        {
            // Told by null.
        }

        return answer is null ? throw new CommandException("The server stopped meanwhile. Try again.")
            : answer.Error is { } error ? throw new CommandException(error)
            : answer;
    }

    public async ValueTask DisposeAsync()
    {
        _reader.Dispose();
        try
        {
            await _writer.DisposeAsync();
        }
        catch (IOException)
        {
            // Of what could not be said.
        }

        await _stream.DisposeAsync();
    }
}
