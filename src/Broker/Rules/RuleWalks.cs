using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Rules;

/// <summary>How a walk over retained values ended.</summary>
internal enum RuleWalk
{
    /// <summary>All were looked at, or what was looked for is found.</summary>
    Whole,

    /// <summary>There are more than may be looked at.</summary>
    Cut,

    /// <summary>Others' walks were under way for too long: nothing was looked at.</summary>
    Busy,
}

/// <summary>
/// Looks for rules at what is retained: how often an account may have that done, and how much of the server a walk takes.
/// </summary>
/// <remarks>Thread-safe.</remarks>
internal sealed class RuleWalks(BrokerLimits limits) : IDisposable
{
    /// <summary>Values that the test of a rule looks at.</summary>
    public const int MostTested = 1_000;

    /// <summary>Their bytes.</summary>
    public const int MostTestedBytes = 1 << 20;

    /// <summary>Bytes that a rule looks at when it begins. The topics that it may know are fewer.</summary>
    public const int MostHeardBytes = 4 << 20;

    /// <summary>For so long a test waits for those of others.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private const int Burst = 5;

    // What is looked at in a row, before others have a turn on the thread.
    private const int BytesOfTurn = 64 << 10;

    // What a value costs beside its own bytes.
    private const int BytesOfValue = 64;

    private readonly SemaphoreSlim _one = new(1);

    private readonly AccountRates _rates = new(limits.RuleTestsPerSecond, Burst);

    /// <summary>Whether the account may make, change or test a rule now. False: <paramref name="wait"/> says for how long.</summary>
    public bool TryTake(string accountId, out TimeSpan wait)
    {
        var isTaken = _rates.TryTake(accountId, out wait);
        return /* guard: how often an account has rules look at what is retained */ isTaken;
    }

    /// <summary>For the test of a rule.</summary>
    /// <param name="find">Whether the walk is over.</param>
    public async Task<RuleWalk> TestAsync(IEnumerable<DataMessage?> values, Func<DataMessage, bool> find) =>
        (/* guard: walks for tests of rules, one at a time */ await _one.WaitAsync(Patience)) ? await WalkAsync(values, MostTested, MostTestedBytes, find) : RuleWalk.Busy;

    /// <summary>For a rule that begins.</summary>
    public async Task<RuleWalk> HearAsync(IEnumerable<DataMessage?> values, Action<DataMessage> hear)
    {
        await _one.WaitAsync();
        return await WalkAsync(values, int.MaxValue, MostHeardBytes, value =>
        {
            hear(value);
            return false;
        });
    }

    public void Dispose()
    {
        _rates.Dispose();
        _one.Dispose();
    }

    // Whoever calls has entered.
    private async Task<RuleWalk> WalkAsync(IEnumerable<DataMessage?> values, int most, int mostBytes, Func<DataMessage, bool> look)
    {
        try
        {
            var (looked, bytes, ofTurn) = (0, 0L, 0L);
            foreach (var value in values)
            {
                if (value is not null)
                {
                    // What is longer is no value to a rule, which does not look into it.
                    var cost = BytesOfValue + (value.Payload.Length > RuleValue.MostBytes ? 0 : value.Payload.Length);
                    (looked, bytes, ofTurn) = (looked + 1, bytes + cost, ofTurn + cost);
                    if (/* guard: what a rule looks at of what is retained */ looked > most || bytes > mostBytes)
                    {
                        return RuleWalk.Cut;
                    }

                    if (look(value))
                    {
                        return RuleWalk.Whole;
                    }
                }

                if (value is null || ofTurn >= BytesOfTurn)
                {
                    ofTurn = 0;

                    // guard: walks for rules let others have a turn
                    await Task.Yield();
                }
            }

            return RuleWalk.Whole;
        }
        finally
        {
            _one.Release();
        }
    }
}
