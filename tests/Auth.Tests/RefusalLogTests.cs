using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using WebMessenger.Auth.Limits;

namespace WebMessenger.Auth.Tests;

public sealed class RefusalLogTests : IDisposable
{
    private static readonly IPAddress _stranger = IPAddress.Parse("203.0.113.7");

    private readonly FakeTimeProvider _time = new();
    private readonly LogLines _lines = new();
    private readonly RefusalLog _refusals;

    public RefusalLogTests() => _refusals = new(_time, ((ILoggerFactory)_lines).CreateLogger<RefusalLog>());

    [Fact]
    public void Fault_S11_Of_a_kind_the_first_in_a_minute_is_written_and_the_others_are_summed_up()
    {
        Assert.True(_refusals.Try("refused sign-ins", _stranger));
        Assert.True(_refusals.Try("closed connections", _stranger));
        for (var number = 0; number < 4812; number++)
        {
            Assert.False(_refusals.Try("refused sign-ins", new IPAddress([203, 0, 113, (byte)(number % 3)])));
        }

        Assert.Empty(_lines.Texts);
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(["… refused sign-ins: 4812 more within a minute, from 3 addresses"], _lines.Texts);
        Assert.True(_refusals.Try("refused sign-ins", _stranger));
    }

    [Fact]
    public void Fault_C1_One_more_is_written_in_words_that_fit_one()
    {
        _refusals.Try("closed connections", _stranger);
        _refusals.Try("closed connections", _stranger);
        _time.Advance(TimeSpan.FromMinutes(1));

        Assert.Equal(["… closed connections: 1 more within a minute, from 1 address"], _lines.Texts);
    }

    [Fact]
    public void Fault_S11_A_minute_without_refusals_writes_nothing()
    {
        Assert.True(_refusals.Try("refused sign-ins", _stranger));
        _time.Advance(TimeSpan.FromMinutes(10));

        Assert.Empty(_lines.Texts);
        Assert.True(_refusals.Try("refused sign-ins", _stranger));
    }

    [Fact]
    public void Fault_S11_A_hundred_thousand_addresses_are_not_remembered()
    {
        _refusals.Try("refused sign-ins", null);
        for (var number = 0; number < 100_000; number++)
        {
            _refusals.Try("refused sign-ins", new IPAddress(0x0A000000L + number));
        }

        _refusals.Dispose();

        Assert.Equal(["… refused sign-ins: 100000 more within a minute, from 1000 or more addresses"], _lines.Texts);
    }

    public void Dispose() => _refusals.Dispose();
}
