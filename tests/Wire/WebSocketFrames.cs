using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Numerics;
using System.Runtime.InteropServices;
using System.Text;

namespace WebMessenger.Wire.Testing;

/// <summary>
/// A client's WebSocket frames (RFC 6455) around MQTT bytes, in place:
/// what is written leaves as one frame, what comes is unwrapped where it lies.
/// </summary>
internal sealed class WebSocketFrames
{
    /// <summary>Room that must be left before what is to be wrapped.</summary>
    public const int Headroom = 14;

    private const int Mask = 0x5AC33C69;
    private const int CloseCode = 8;

    /// <summary>A client's close frame.</summary>
    public static readonly byte[] Close = [0x88, 0x80, 0, 0, 0, 0];

    private readonly byte[] _header = new byte[10];
    private int _headerCount;
    private long _payloadLeft;
    private bool _isControl;

    /// <summary>Turns an HTTP connection into one for MQTT.</summary>
    /// <param name="cookie">`name=value`, as a page of the server sends it; null: no browser.</param>
    /// <exception cref="IOException">It was refused.</exception>
    public static async Task UpgradeAsync(Socket socket, IPEndPoint server, string? cookie, CancellationToken cancellation)
    {
        var answer = await AskAsync(socket, server, cookie, cancellation);
        if (!answer.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal))
        {
            throw new IOException($"The upgrade to WebSocket was refused: {answer.Split('\r')[0]}");
        }
    }

    /// <summary>
    /// Asks for the upgrade and returns the server's answer, whatever it is; what there was of it when the server closed.
    /// </summary>
    public static async Task<string> AskAsync(Socket socket, IPEndPoint server, string? cookie, CancellationToken cancellation)
    {
        // Forced to yield: with inline completions this would go on on the thread that serves all sockets.
        await socket.SendAsync(Request(server, cookie), cancellation).AsTask().ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var received = new byte[1024];
        var count = 0;
        while (received.AsSpan(0, count).IndexOf("\r\n\r\n"u8) < 0)
        {
            var read = socket.ReceiveAsync(received.AsMemory(count), cancellation).AsTask();
            await read.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            count += await read;
            if (await read == 0)
            {
                break;
            }
        }

        return Encoding.ASCII.GetString(received, 0, count);
    }

    /// <summary>A frame of its own around bytes that have no headroom.</summary>
    public static ReadOnlyMemory<byte> FrameOf(ReadOnlySpan<byte> payload)
    {
        var frame = new byte[Headroom + payload.Length];
        payload.CopyTo(frame.AsSpan(Headroom));
        return frame.AsMemory(Wrap(frame));
    }

    /// <summary>Masks what lies behind the headroom and writes the header before it. Returns where the frame begins.</summary>
    public static int Wrap(Span<byte> buffer)
    {
        var payload = buffer[Headroom..];
        var start = Headroom - (payload.Length < 126 ? 6 : payload.Length <= ushort.MaxValue ? 8 : 14);
        buffer[start] = 0x82;
        switch (Headroom - start)
        {
            case 6:
                buffer[start + 1] = (byte)(0x80 | payload.Length);
                break;
            case 8:
                buffer[start + 1] = 0x80 | 126;
                BinaryPrimitives.WriteUInt16BigEndian(buffer[(start + 2)..], (ushort)payload.Length);
                break;
            default:
                buffer[start + 1] = 0x80 | 127;
                BinaryPrimitives.WriteInt64BigEndian(buffer[(start + 2)..], payload.Length);
                break;
        }

        MemoryMarshal.Write(buffer[(Headroom - 4)..], Mask);
        Apply(buffer.Slice(Headroom - 4, 4), payload);
        return start;
    }

    /// <summary>Takes the frames' headers and control frames out of what came.</summary>
    /// <returns>How many bytes of MQTT are left, at the start; -1: the server closes.</returns>
    public int Unwrap(Span<byte> received)
    {
        var (from, to) = (0, 0);
        while (from < received.Length)
        {
            if (_payloadLeft == 0)
            {
                if (TakeHeader(received[from++]) && (_header[0] & 0x0F) == CloseCode)
                {
                    return -1;
                }

                continue;
            }

            var length = (int)Math.Min(_payloadLeft, received.Length - from);
            if (!_isControl)
            {
                received.Slice(from, length).CopyTo(received[to..]);
                to += length;
            }

            from += length;
            _payloadLeft -= length;
        }

        return to;
    }

    private static byte[] Request(IPEndPoint server, string? cookie) => Encoding.ASCII.GetBytes(string.Create(
        CultureInfo.InvariantCulture,
        $"GET /mqtt HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n")
        + "Sec-WebSocket-Key: bG9hZCBnZW5lcmF0b3IhIQ==\r\nSec-WebSocket-Protocol: mqtt\r\n"
        + (cookie is null ? "\r\n" : $"Cookie: {cookie}\r\nOrigin: http://{server}\r\n\r\n"));

    private static void Apply(ReadOnlySpan<byte> mask, Span<byte> payload)
    {
        var repeated = Vector.AsVectorByte(new Vector<int>(Mask));
        var vectors = MemoryMarshal.Cast<byte, Vector<byte>>(payload);
        for (var i = 0; i < vectors.Length; i++)
        {
            vectors[i] ^= repeated;
        }

        for (var i = vectors.Length * Vector<byte>.Count; i < payload.Length; i++)
        {
            payload[i] ^= mask[i % 4];
        }
    }

    // True: the header is whole.
    private bool TakeHeader(byte next)
    {
        _header[_headerCount++] = next;
        if (_headerCount < 2)
        {
            return false;
        }

        var code = _header[1] & 0x7F;
        if (_headerCount < (code == 127 ? 10 : code == 126 ? 4 : 2))
        {
            return false;
        }

        _payloadLeft = code switch
        {
            127 => BinaryPrimitives.ReadInt64BigEndian(_header.AsSpan(2)),
            126 => BinaryPrimitives.ReadUInt16BigEndian(_header.AsSpan(2)),
            _ => code,
        };
        _isControl = (_header[0] & 0x08) != 0;
        _headerCount = 0;
        return true;
    }
}
