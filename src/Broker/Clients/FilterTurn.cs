using WebMessenger.Broker.Limits;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// A client's place among those of its account whose SUBSCRIBE or UNSUBSCRIBE waits, and what each of them costs the account.
/// </summary>
/// <remarks>The receive loop's; but for <see cref="End"/>, at the end of the connection.</remarks>
internal sealed class FilterTurn(Identity identity, ConnectionServices services)
{
    private WorkTurn? _turn;

    // Looked up, for the budget of who did nothing for a while is forgotten.
    private WorkBudget Budget => services.SubscribeBudgets.Of(identity.Account.Id).Filters;

    public void Queue() => _turn = Budget.Queue();

    /// <summary>Null: it is the client's turn. Else it may be asked again after the task.</summary>
    public Task? Wait() => Budget.WaitFor(_turn!);

    /// <summary>What was queued for begins: it is paid, and the turn is over with that.</summary>
    public void Pay(FilterRequest request)
    {
        var price = request is SubscribeRequest subscribe
            ? subscribe.PriceFor(identity.Account.Id, services.Rooms, Budget.Dearest)
            : ((UnsubscribeRequest)request).Filters.Count;
        Budget.Take(/* guard: the price of a SUBSCRIBE */ price);
        End();
    }

    public void End()
    {
        _turn?.End();
        _turn = null;
    }
}
