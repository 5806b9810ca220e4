using System.Text;
using Serilog;
using WebMessenger.Broker.Host;

namespace WebMessenger.Broker.Tests.Host;

public sealed class UnblockedOutputTests
{
    [Fact]
    public async Task Fault_B3_Who_logs_waits_for_no_reader_and_what_did_not_fit_is_counted()
    {
        using Pipe pipe = new();
        using (var log = new LoggerConfiguration().WriteTo.Sink(new UnblockedOutput(pipe, new LogLine())).CreateLogger())
        {
            log.Information("first");
            await pipe.IsStuck.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            for (var number = 0; number < UnblockedOutput.Capacity + 1000; number++)
            {
                log.Information("entry {Number}", number);
            }

            pipe.Read();
        }

        var lines = pipe.Written.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal(1 + UnblockedOutput.Capacity + 1, lines.Length);
        Assert.EndsWith("INF first", lines[0], StringComparison.Ordinal);
        Assert.EndsWith("INF entry 0", lines[1], StringComparison.Ordinal);
        Assert.EndsWith("WRN 1000 entries of the log were dropped here, because nobody read it", lines[^1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Fault_B3_The_end_waits_for_no_reader_either()
    {
        using Pipe pipe = new();
        var log = new LoggerConfiguration().WriteTo.Sink(new UnblockedOutput(pipe, new LogLine())).CreateLogger();
        log.Information("first");
        await pipe.IsStuck.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        await Task.Run(log.Dispose, TestContext.Current.CancellationToken)
            .WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

        pipe.Read();
    }

    /// <summary>An output whose reader has stopped, until it reads on.</summary>
    private sealed class Pipe : Stream
    {
        private readonly ManualResetEventSlim _reads = new();
        private readonly MemoryStream _written = new();

        public TaskCompletionSource IsStuck { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public string Written => Encoding.UTF8.GetString(_written.ToArray());

        public override bool CanRead => false;

        public override bool CanSeek => false;

        public override bool CanWrite => true;

        public override long Length => throw new NotSupportedException();

        public override long Position
        {
            get => throw new NotSupportedException();
            set => throw new NotSupportedException();
        }

        public void Read() => _reads.Set();

        public override void Write(byte[] buffer, int offset, int count) => Write(buffer.AsSpan(offset, count));

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            IsStuck.TrySetResult();
            _reads.Wait();
            _written.Write(buffer);
        }

        public override void Flush()
        {
        }

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            _reads.Set();
            base.Dispose(disposing);
        }
    }
}
