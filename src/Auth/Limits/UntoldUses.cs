namespace WebMessenger.Auth.Limits;

/// <summary>Who has used how much since it was told.</summary>
/// <remarks>
/// Thread-safe; <c>_gate</c> is a leaf lock. Beyond a bound whoever is new is not noted: his limit is that of each node then.
/// </remarks>
public sealed class UntoldUses
{
    private const int Most = 20_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<string, long> _uses = [];

    public IReadOnlyList<KeyValuePair<string, long>> All
    {
        get
        {
            lock (_gate)
            {
                return [.. _uses.Where(use => use.Value > 0)];
            }
        }
    }

    /// <param name="count">Less than 0: so much was given back.</param>
    public void Add(string key, long count)
    {
        lock (_gate)
        {
            if (_uses.Count >= Most && !_uses.ContainsKey(key))
            {
                return;
            }

            if ((_uses[key] = _uses.GetValueOrDefault(key) + count) == 0)
            {
                _uses.Remove(key);
            }
        }
    }
}
