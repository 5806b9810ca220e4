using System.Runtime.InteropServices;

namespace WebMessenger.Broker.Rooms;

/// <summary>What a room's guard has to remember: which texts an account has written, as hashes, and when guests have come in.</summary>
/// <remarks>
/// In memory, for ten minutes at most: after a restart nothing was said before. Thread-safe; nothing in it blocks.
/// At most <see cref="MostAccounts"/> accounts are known, each with <see cref="MostTexts"/> texts.
/// Of more accounts, who wrote longest ago is forgotten first; of more texts, what was written first.
/// </remarks>
internal sealed class RoomGuard(TimeProvider time)
{
    public const int MostAccounts = 1_000;
    public const int MostTexts = 32;

    private static readonly TimeSpan _remembered = TimeSpan.FromMinutes(10);
    private static readonly TimeSpan _minute = TimeSpan.FromMinutes(1);

    private readonly Lock _gate = new();

    // Most rooms have no guard, and none of this. The accounts in the order in which they wrote last.
    private LinkedList<Writer>? _order;
    private Dictionary<string, LinkedListNode<Writer>>? _writers;
    private Queue<(string AccountId, long At)>? _guests;

    /// <summary>Whether the account writes the text now; it is remembered then.</summary>
    /// <param name="text">See <see cref="GuardedText.Fold"/>.</param>
    /// <param name="repeats">When it comes so many times, it is refused.</param>
    public bool TrySay(string accountId, ulong text, int repeats)
    {
        lock (_gate)
        {
            var (order, writers) = (_order ??= new(), _writers ??= []);
            while (order.First is { } first && Since(first.Value.At) >= _remembered)
            {
                Forget(first, order, writers);
            }

            ref var node = ref CollectionsMarshal.GetValueRefOrAddDefault(writers, accountId, out _);
            node ??= new LinkedListNode<Writer>(new Writer(accountId));
            var writer = node.Value;
            while (writer.Texts.TryPeek(out var old) && Since(old.At) >= _remembered)
            {
                writer.Texts.Dequeue();
            }

            if (/* guard: the same text again */ writer.Texts.Count(one => one.Text == text) + 1 >= repeats)
            {
                return false;
            }

            if (/* guard: texts that a guard remembers of one account */ writer.Texts.Count >= MostTexts)
            {
                writer.Texts.Dequeue();
            }

            writer.At = time.GetTimestamp();
            writer.Texts.Enqueue((text, writer.At));
            if (node.List is not null)
            {
                order.Remove(node);
            }

            order.AddLast(node);
            if (/* guard: accounts that a guard remembers */ writers.Count > MostAccounts)
            {
                Forget(order.First!, order, writers);
            }

            return true;
        }
    }

    /// <summary>The account has written the text on another node.</summary>
    public void Said(string accountId, ulong text) => TrySay(accountId, text, int.MaxValue);

    /// <summary>A guest has come in on another node.</summary>
    public void LetIn(string accountId) => TryLetIn(accountId, int.MaxValue);

    /// <summary>The text was not stored.</summary>
    public void GiveBack(string accountId, ulong text)
    {
        lock (_gate)
        {
            if (_writers is null || !_writers.TryGetValue(accountId, out var node))
            {
                return;
            }

            var left = node.Value.Texts.ToList();
            var last = left.FindLastIndex(one => one.Text == text);
            if (last >= 0)
            {
                left.RemoveAt(last);
                node.Value.Texts = new(left);
            }
        }
    }

    /// <summary>Whether one guest more comes in; he counts then, once a minute: nobody keeps the others out by coming and going.</summary>
    public bool TryLetIn(string accountId, int guestsPerMinute)
    {
        lock (_gate)
        {
            var wait = WaitOf(guestsPerMinute);
            if (/* guard: a guest counts once a minute */ _guests?.Any(one => one.AccountId == accountId) == true)
            {
                return true;
            }

            if (/* guard: guests a minute */ wait > TimeSpan.Zero)
            {
                return false;
            }

            (_guests ??= new()).Enqueue((accountId, time.GetTimestamp()));
            return true;
        }
    }

    /// <summary>The guest did not come in.</summary>
    public void ForgetGuest(string accountId)
    {
        lock (_gate)
        {
            _guests = _guests is null ? null : new(_guests.Where(one => one.AccountId != accountId));
        }
    }

    /// <summary>Whole seconds until the next guest may come in, 1 at least: for who was not let in just now.</summary>
    public int GuestsWait(int guestsPerMinute)
    {
        lock (_gate)
        {
            return Math.Max(1, (int)Math.Ceiling(WaitOf(guestsPerMinute).TotalSeconds));
        }
    }

    // What is past is forgotten, so there are never more than the highest rule that held within a minute.
    private TimeSpan WaitOf(int guestsPerMinute)
    {
        while (_guests is not null && _guests.TryPeek(out var first) && Since(first.At) >= _minute)
        {
            _guests.Dequeue();
        }

        return _guests is null || _guests.Count < guestsPerMinute ? TimeSpan.Zero
            : _minute - Since(_guests.ElementAt(_guests.Count - guestsPerMinute).At);
    }

    private static void Forget(LinkedListNode<Writer> node, LinkedList<Writer> order, Dictionary<string, LinkedListNode<Writer>> writers)
    {
        order.Remove(node);
        writers.Remove(node.Value.AccountId);
    }

    private TimeSpan Since(long at) => time.GetElapsedTime(at);

    private sealed class Writer(string accountId)
    {
        public string AccountId => accountId;

        /// <summary>When it wrote last.</summary>
        public long At { get; set; }

        public Queue<(ulong Text, long At)> Texts { get; set; } = new();
    }
}
