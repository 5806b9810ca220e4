using System.Text;

namespace WebMessenger.Broker.Tests.Host;

/// <summary>A server's log as the output of the test that started it, which is shown when the test fails. Of a passing test nothing is
/// seen.</summary>
/// <remarks>Written by the log's own thread, which is started in the test and knows it by that.</remarks>
internal sealed class TestLog : Stream
{
    public override bool CanRead => false;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        try
        {
            TestContext.Current.TestOutputHelper?.Write(Encoding.UTF8.GetString(buffer, offset, count));
        }
        catch (InvalidOperationException)
        {
            // The test is over.
        }
    }

    public override void Flush()
    {
        // Nothing waits here.
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
