using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.Http.Features;
using WebMessenger.Broker.Limits;

namespace WebMessenger.Broker.Transports;

/// <summary>
/// Ends a WebSocket whose client sends an unmasked frame with 1002 (RFC 6455, 5.1). The framework takes such frames (.NET 10).
/// </summary>
internal static class MaskedFrames
{
    /// <summary>In front of the WebSocket middleware, which takes the stream of an upgrade from the features that are set here.</summary>
    public static Task DemandAsync(HttpContext context, RequestDelegate next)
    {
        if (context.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade)
        {
            context.Features.Set<IHttpUpgradeFeature>(new Upgrade(upgrade, context));
        }

        if (context.Features.Get<IHttpExtendedConnectFeature>() is { IsExtendedConnect: true } connect)
        {
            context.Features.Set<IHttpExtendedConnectFeature>(new ExtendedConnect(connect, context));
        }

        return next(context);
    }

    // Whoever ends the WebSocket reads away what it leaves.
    private static MaskedStream Known(HttpContext context, MaskedStream stream)
    {
        context.Features.Set(stream);
        return stream;
    }

    private sealed class Upgrade(IHttpUpgradeFeature inner, HttpContext context) : IHttpUpgradeFeature
    {
        public bool IsUpgradableRequest => inner.IsUpgradableRequest;

        public async Task<Stream> UpgradeAsync() => Known(context, new MaskedStream(await inner.UpgradeAsync()));
    }

    private sealed class ExtendedConnect(IHttpExtendedConnectFeature inner, HttpContext context) : IHttpExtendedConnectFeature
    {
        [MemberNotNullWhen(true, nameof(Protocol))]
        public bool IsExtendedConnect => inner.IsExtendedConnect;

        public string? Protocol => inner.Protocol;

        public async ValueTask<Stream> AcceptAsync() => Known(context, new MaskedStream(await inner.AcceptAsync()));
    }
}

/// <summary>
/// The bytes of a client, with the reserved bits set in the header of a frame that is not masked: for that the framework's WebSocket ends
/// the connection with 1002 by itself, in its turn with what it is sending.
/// </summary>
internal sealed class MaskedStream(Stream inner) : Stream
{
    private const byte ReservedBits = 0x70, MaskBit = 0x80, LengthBits = 0x7F, OpcodeBits = 0x0F, Ping = 9, Pong = 10;
    private const int MaskBytes = 4;

    private RateBudget? _rate;
    private TimeProvider _time = TimeProvider.System;

    // Pings and pongs that were passed on and not paid for.
    private int _unpaid;

    // How many bytes of the frame are still to come, behind the two that are looked at.
    private ulong _left;
    private int _lengthBytes;
    private ulong _length;
    private bool _isMarked;

    // The first byte of a header whose second has not come: not passed on alone, as it could not be changed any more.
    private byte? _held;

    /// <summary>An unmasked frame came.</summary>
    public bool IsViolated => _isMarked;

    /// <summary>
    /// From here on pings and pongs have a rate: the framework answers them by itself, and nobody else would ever know of them.
    /// </summary>
    public void Slow(RateBudget rate, TimeProvider time) => (_rate, _time) = (rate, time);

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (buffer.IsEmpty)
        {
            return await inner.ReadAsync(buffer, cancellationToken);
        }

        while (true)
        {
            await PayAsync(cancellationToken);
            var held = 0;
            if (_held is { } first && buffer.Length > 1)
            {
                buffer.Span[0] = first;
                _held = null;
                held = 1;
            }

            var count = await inner.ReadAsync(buffer[held..], cancellationToken);
            if (count == 0)
            {
                return held;
            }

            count = Look(buffer.Span[..(held + count)]);
            if (count > 0)
            {
                return count;
            }
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("A WebSocket reads asynchronously.");

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => inner.WriteAsync(buffer, cancellationToken);

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        inner.WriteAsync(buffer, offset, count, cancellationToken);

    public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);

    public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);

    public override void Flush() => inner.Flush();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            inner.Dispose();
        }

        base.Dispose(disposing);
    }

    // A ping costs its sender six bytes, and the server a pong.
    private async ValueTask PayAsync(CancellationToken cancellation)
    {
        while (_unpaid > 0 && _rate is { } rate && !rate.TryTake(_unpaid, out var pause))
        {
            // guard: pings of WebSockets have a rate
            await Task.Delay(pause, _time, cancellation);
        }

        _unpaid = 0;
    }

    // Returns how many of the bytes may be passed on: all, or all but the last.
    private int Look(Span<byte> bytes)
    {
        for (var at = 0; at < bytes.Length;)
        {
            if (_isMarked)
            {
                break;
            }

            if (_lengthBytes > 0)
            {
                _length = (_length << 8) | bytes[at++];
                if (--_lengthBytes == 0)
                {
                    _left = _length + MaskBytes;
                }
            }
            else if (_left > 0)
            {
                var passed = (int)Math.Min(_left, (ulong)(bytes.Length - at));
                _left -= (ulong)passed;
                at += passed;
            }
            else if (at + 1 == bytes.Length)
            {
                _held = bytes[at];
                return at;
            }
            else
            {
                Begin(bytes.Slice(at, 2));
                at += 2;
            }
        }

        return bytes.Length;
    }

    private void Begin(Span<byte> header)
    {
        if (/* guard: frames of a client are masked */ (header[1] & MaskBit) == 0)
        {
            header[0] |= ReservedBits;
            _isMarked = true;
            return;
        }

        if ((header[0] & OpcodeBits) is Ping or Pong)
        {
            _unpaid++;
        }

        var length = header[1] & LengthBits;
        (_lengthBytes, _length) = (length switch { 126 => 2, 127 => 8, _ => 0 }, 0);
        _left = _lengthBytes > 0 ? 0 : (ulong)length + MaskBytes;
    }
}
