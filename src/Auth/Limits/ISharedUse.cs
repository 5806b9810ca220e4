namespace WebMessenger.Auth.Limits;

/// <summary>What of a limit by account is used up on one node, and is told to the others: a limit is that of all nodes by that.</summary>
/// <remarks>Thread-safe.</remarks>
public interface ISharedUse
{
    /// <summary>What it is a limit of, on the wire. It never changes.</summary>
    byte Kind { get; }

    /// <summary>What was used here and was not told yet, by whom, each more than 0. A copy; only those that have used something.</summary>
    IReadOnlyList<KeyValuePair<string, long>> Untold { get; }

    /// <summary>So much of it is told.</summary>
    void Told(string key, long count);

    /// <summary>So much was used on another node: it is taken here, too, be it more than is left.</summary>
    /// <param name="count">More than 0.</param>
    void UsedElsewhere(string key, long count);
}
