using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// The places of acts on messages: an account's are in the order in which it asked, and those on one message go one after the other to
/// their ends.
/// </summary>
/// <remarks>Thread-safe; <c>_gate</c> is a leaf lock.</remarks>
/// <param name="rest">
/// Called when an act has its place and none of the account can go on at once behind it, and once in a while before.
/// </param>
internal sealed class ActTurns(Action rest)
{
    /// <summary>So many acts of an account have their places before <paramref name="rest"/> is called, however many wait.</summary>
    private const int AtOnce = 32;

    private readonly Lock _gate = new();

    // The last of each account, and of each message that it acts on; so both are empty when nothing is under way.
    private readonly Dictionary<string, ActTurn> _ofAccounts = [];
    private readonly Dictionary<ActedOn, ActTurn> _onMessages = [];

    /// <summary>Completes when it is the act's turn in both. Dispose of it when the act is done.</summary>
    public async Task<ActTurn> EnterAsync(ActedOn acted)
    {
        ActTurn turn = new(this, acted);
        Task? order;
        Task? onMessage;

        // Both places at once: else two acts could each be before the other in one of them, and wait for ever.
        lock (_gate)
        {
            if (_ofAccounts.GetValueOrDefault(acted.Account) is { } before)
            {
                (before.Next, turn.Number) = (turn, before.Number + 1);
                order = before.WhenPlaced();
            }
            else
            {
                order = null;
            }

            turn.OnMessage = _onMessages.GetValueOrDefault(acted);
            onMessage = turn.OnMessage?.WhenOver();
            (_ofAccounts[acted.Account], _onMessages[acted]) = (turn, turn);
        }

        turn.HasWaited = await LeaveThreadAsync(onMessage) | await LeaveThreadAsync(order);
        return turn;
    }

    /// <summary>The act has its place, or gets none.</summary>
    public void Place(ActTurn turn)
    {
        bool rests;
        lock (_gate)
        {
            if (turn.IsPlaced)
            {
                return;
            }

            if (turn.Next is null)
            {
                _ofAccounts.Remove(turn.Acted.Account);
            }

            // Who waits for the end of an act on the same message would wait for ever: that ends when it is written.
            rests = turn.Next is not { } next || (/* guard: acts on one message come to an end */ next.OnMessage is { IsOver: false })
                || turn.Number % AtOnce == AtOnce - 1;
            turn.Placed();
        }

        if (rests)
        {
            rest();
        }
    }

    /// <summary>The act is done.</summary>
    public void End(ActTurn turn)
    {
        Place(turn);
        lock (_gate)
        {
            if (_onMessages.GetValueOrDefault(turn.Acted) == turn)
            {
                _onMessages.Remove(turn.Acted);
            }

            turn.Ended();
        }
    }

    // True: what comes next is on a thread of the pool. A task that completes just now must not leave the caller on its own thread.
    private static async ValueTask<bool> LeaveThreadAsync(Task? before)
    {
        if (before is null or { IsCompleted: true })
        {
            return false;
        }

        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        return true;
    }
}

/// <summary>A message that an account acts on.</summary>
internal readonly record struct ActedOn(string Account, LogName Log, long Of);

/// <summary>One act's turn.</summary>
/// <remarks>Its tasks and its place are under the lock of <see cref="ActTurns"/>; they are made when somebody waits.</remarks>
internal sealed class ActTurn(ActTurns turns, ActedOn acted) : IDisposable
{
    private TaskCompletionSource? _placed;
    private TaskCompletionSource? _over;

    public ActedOn Acted => acted;

    /// <summary>So many of the account came right before it.</summary>
    public int Number { get; set; }

    /// <summary>It has waited: whoever asked for it goes on on a thread of the pool.</summary>
    public bool HasWaited { get; set; }

    public bool IsPlaced { get; private set; }

    public bool IsOver { get; private set; }

    /// <summary>The next of the account; null: there is none yet.</summary>
    public ActTurn? Next { get; set; }

    /// <summary>Whose end on the same message it waits for; null: nobody's.</summary>
    public ActTurn? OnMessage { get; set; }

    public Task WhenPlaced() => (_placed ??= New()).Task;

    public Task WhenOver() => (_over ??= New()).Task;

    public void Placed()
    {
        IsPlaced = true;
        _placed?.TrySetResult();
    }

    public void Ended()
    {
        // Or all that ever waited one behind the other would stay in memory.
        (IsOver, Next, OnMessage) = (true, null, null);
        _over?.TrySetResult();
    }

    /// <summary>It has its place in the log among the account's acts: the next need not wait for the disk.</summary>
    public void HasItsPlace() => turns.Place(this);

    public void Dispose() => turns.End(this);

    private static TaskCompletionSource New() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
