using WebMessenger.Auth.Limits;

namespace WebMessenger.Auth.Tests.Limits;

public sealed class TokenBucketTests
{
    private static readonly BucketSize _size = new(10, 2, TimeSpan.FromSeconds(1));

    [Fact]
    public void What_is_taken_comes_back_little_by_little_and_no_further_than_full()
    {
        var bucket = TokenBucket.Full(_size, At(0));
        Assert.True(bucket.TryTake(_size, 10, At(0)));
        Assert.False(bucket.TryTake(_size, 1, At(0.25)));
        Assert.Equal(TimeSpan.FromSeconds(0.25), bucket.WaitFor(_size, 1, At(0.25)));

        Assert.True(bucket.TryTake(_size, 1, At(0.5)));
        Assert.Equal(0, bucket.Left(_size, At(0.5)));
        Assert.False(bucket.IsFull(_size, At(5.25)));
        Assert.True(bucket.IsFull(_size, At(5.5)));
        Assert.Equal(10, bucket.Left(_size, At(1e9)));
    }

    [Fact]
    public void What_is_refused_takes_nothing()
    {
        var bucket = TokenBucket.Full(_size, At(0));

        Assert.False(bucket.TryTake(_size, 11, At(0)));
        Assert.True(bucket.TryTake(_size, 10, At(0)));
    }

    [Fact]
    public void What_is_given_back_is_there_again_and_fills_no_further_than_full()
    {
        var bucket = TokenBucket.Full(_size, At(0));
        Assert.True(bucket.TryTake(_size, 3, At(0)));
        bucket.Give(_size, 1);
        Assert.Equal(8, bucket.Left(_size, At(0)));

        bucket.Give(_size, 100);
        Assert.Equal(10, bucket.Left(_size, At(0)));
    }

    [Fact]
    public void A_debt_is_paid_first_and_has_an_end()
    {
        var bucket = TokenBucket.Full(_size, At(0));
        bucket.Take(_size, 14, -20, At(0));
        Assert.Equal(-4, bucket.Left(_size, At(0)));
        Assert.Equal(TimeSpan.FromSeconds(2), bucket.WaitFor(_size, 0, At(0)));

        bucket.Take(_size, 1000, -20, At(0));
        Assert.Equal(-20, bucket.Left(_size, At(0)));
    }

    [Fact]
    public void A_clock_that_goes_back_gives_nothing_and_takes_nothing()
    {
        TokenBucket bucket = new(4, At(100));

        Assert.Equal(4, bucket.Left(_size, At(0)));
        Assert.True(bucket.TryTake(_size, 4, At(0)));

        // From the time that it is now believed to be.
        Assert.Equal(2, bucket.Left(_size, At(1)));
    }

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);
}
