namespace WebMessenger.Broker.Nodes;

/// <summary>How many pipes a node has, and how many of them for whom.</summary>
/// <remarks>
/// Nobody has more of them than are free when he asks for one. So one alone has half of all, and many together leave room for who comes
/// with few. Guarded by who has it.
/// </remarks>
/// <param name="limit">Of all together; 0: no limit.</param>
internal sealed class PipePlaces(int limit)
{
    private readonly Dictionary<string, int> _held = new(StringComparer.Ordinal);
    private int _taken;

    /// <summary>Takes a place; false: there is none, or none for him.</summary>
    /// <param name="holder">Who pays for it: <see cref="PipePreface.Holder"/>.</param>
    public bool TryTake(string holder)
    {
        var held = _held.GetValueOrDefault(holder);
        if (/* guard: pipes to other nodes */ limit > 0 && held >= limit - _taken)
        {
            return false;
        }

        (_held[holder], _taken) = (held + 1, _taken + 1);
        return true;
    }

    /// <summary>Gives back a place that was taken.</summary>
    public void GiveBack(string holder)
    {
        _taken--;
        if (--_held[holder] == 0)
        {
            _held.Remove(holder);
        }
    }
}
