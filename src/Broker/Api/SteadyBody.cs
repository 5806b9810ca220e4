using System.IO.Pipelines;
using Microsoft.AspNetCore.Http.Features;

namespace WebMessenger.Broker.Api;

/// <summary>
/// The body of an answer, given to the connection piece by piece, so that no more of it waits there than the connection takes, and cut off
/// when its reader takes nothing for a while.
/// </summary>
/// <remarks>Kestrel copies whatever is written at once, however little its reader takes (ASP.NET Core 10).</remarks>
internal sealed class SteadyBody : Stream, IHttpResponseBodyFeature
{
    /// <summary>An answer of which nothing is taken for that long is cut off.</summary>
    public static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(20);

    private const int PieceBytes = 16 * 1024;

    private readonly HttpContext _context;
    private readonly IHttpResponseBodyFeature _inner;
    private readonly TimeProvider _time;
    private readonly TimeSpan _longestPause;
    private PipeWriter? _writer;

    /// <summary>Takes the place of the request's own.</summary>
    public SteadyBody(HttpContext context, TimeProvider time, TimeSpan longestPause)
    {
        (_context, _time, _longestPause) = (context, time, longestPause);
        _inner = context.Features.GetRequiredFeature<IHttpResponseBodyFeature>();
        context.Features.Set<IHttpResponseBodyFeature>(this);
    }

    /// <summary>It was cut off because nothing of it was taken.</summary>
    public bool IsCutOff { get; private set; }

    Stream IHttpResponseBodyFeature.Stream => this;

    public PipeWriter Writer => _writer ??= PipeWriter.Create(this, new StreamPipeWriterOptions(leaveOpen: true));

    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public void DisableBuffering() => _inner.DisableBuffering();

    public Task StartAsync(CancellationToken cancellationToken = default) => _inner.StartAsync(cancellationToken);

    public Task SendFileAsync(string path, long offset, long? count, CancellationToken cancellationToken = default) =>
        SendFileFallback.SendFileAsync(this, path, offset, count, cancellationToken);

    public async Task CompleteAsync()
    {
        if (_writer is not null)
        {
            await _writer.CompleteAsync();
        }

        await TakenAsync(new ValueTask(_inner.CompleteAsync()));
    }

    /// <summary>
    /// When it is done, nothing of the answer waits in memory any more but what a connection may hold: by HTTP/2, which has a hundred
    /// answers on one, the client's window had room for all of it.
    /// </summary>
    public async Task FinishAsync()
    {
        if (_writer is { UnflushedBytes: > 0 } && !_context.RequestAborted.IsCancellationRequested)
        {
            await _writer.FlushAsync();
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        do
        {
            var piece = buffer[..Math.Min(PieceBytes, buffer.Length)];
            await TakenAsync(_inner.Stream.WriteAsync(piece, cancellationToken));
            buffer = buffer[piece.Length..];
        }
        while (!buffer.IsEmpty && !_context.RequestAborted.IsCancellationRequested);
    }

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task FlushAsync(CancellationToken cancellationToken) =>
        TakenAsync(new ValueTask(_inner.Stream.FlushAsync(cancellationToken))).AsTask();

    public override void Write(byte[] buffer, int offset, int count) => _inner.Stream.Write(buffer, offset, count);

    public override void Flush() => _inner.Stream.Flush();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    private void CutOff()
    {
        IsCutOff = true;
        _context.Abort();
    }

    // Where the reader keeps up, as nearly all do, there is no timer.
    private async ValueTask TakenAsync(ValueTask taking)
    {
        if (taking.IsCompleted)
        {
            await taking;
            return;
        }

        await using var end = _time.CreateTimer(
            static body => ((SteadyBody)body!).CutOff(), this, /* guard: an answer that is not taken is cut off */ _longestPause, Timeout.InfiniteTimeSpan);
        await taking;
    }
}
