namespace WebMessenger.Broker.Archives;

/// <summary>So much a second and no more: what is said meanwhile shares the disk and the processors with it.</summary>
/// <param name="bytesPerSecond">0: as fast as it goes.</param>
internal sealed class Pace(int bytesPerSecond, TimeProvider time)
{
    private readonly long _began = time.GetTimestamp();
    private long _bytes;

    public async ValueTask WaitAsync(int bytes, CancellationToken cancellation)
    {
        _bytes += bytes;
        if (bytesPerSecond > 0 && TimeSpan.FromSeconds((double)_bytes / bytesPerSecond) - time.GetElapsedTime(_began) is { Ticks: > 0 } early)
        {
            await Task.Delay(early, time, cancellation);
        }
    }
}
