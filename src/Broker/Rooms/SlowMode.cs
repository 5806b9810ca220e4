using System.Globalization;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Rooms;

/// <summary>When the members of a room with slow mode spoke last: an account waits, by whichever of its clients it speaks.</summary>
/// <remarks>
/// In memory: after a restart nobody waits. Thread-safe.
/// At most <see cref="MostRemembered"/> accounts are known. Of more, who spoke first is forgotten first.
/// </remarks>
internal sealed class SlowMode(TimeProvider time)
{
    public const int MostRemembered = 10_000;

    private readonly Lock _gate = new();

    // In the order of their time. Most rooms have no slow mode, and none of this.
    private Queue<(string AccountId, long At)>? _spoken;
    private Dictionary<string, long>? _last;

    /// <summary>Null: the account speaks now, and waits from here on. Else it is too early.</summary>
    /// <param name="seconds">Between two messages of one account.</param>
    public PublishRefusal? WhyNot(string accountId, int seconds)
    {
        lock (_gate)
        {
            var (spoken, last) = (_spoken ??= new(), _last ??= []);
            while (spoken.TryPeek(out var first) && Since(first.At).TotalSeconds >= seconds)
            {
                ForgetFirst(spoken, last);
            }

            if (/* guard: slow mode */ last.TryGetValue(accountId, out var at) && Since(at) is var since && since.TotalSeconds < seconds)
            {
                return Refusal(seconds, (int)Math.Ceiling(seconds - since.TotalSeconds));
            }

            Remember(accountId, spoken, last);
            return null;
        }
    }

    /// <summary>The account has said something on another node: it waits here as well. Never blocks.</summary>
    public void Spoke(string accountId)
    {
        lock (_gate)
        {
            Remember(accountId, _spoken ??= new(), _last ??= []);
        }
    }

    /// <summary>The account need not wait: what it was to say was not stored.</summary>
    public void GiveBack(string accountId)
    {
        lock (_gate)
        {
            _last?.Remove(accountId);
        }
    }

    private void Remember(string accountId, Queue<(string AccountId, long At)> spoken, Dictionary<string, long> last)
    {
        if (/* guard: whom slow mode remembers */ spoken.Count >= MostRemembered)
        {
            ForgetFirst(spoken, last);
        }

        var now = time.GetTimestamp();
        last[accountId] = now;
        spoken.Enqueue((accountId, now));
    }

    private static PublishRefusal Refusal(int seconds, int wait) => new(
        ReasonCode.QuotaExceeded,
        string.Create(CultureInfo.InvariantCulture, $"In this room an account says something once in {seconds} s. Send it again in {wait} s."),
        "slow_mode",
        wait);

    private static void ForgetFirst(Queue<(string AccountId, long At)> spoken, Dictionary<string, long> last)
    {
        var first = spoken.Dequeue();
        if (last.TryGetValue(first.AccountId, out var at) && at == first.At)
        {
            last.Remove(first.AccountId);
        }
    }

    private TimeSpan Since(long at) => time.GetElapsedTime(at);
}
