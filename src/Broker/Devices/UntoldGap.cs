namespace WebMessenger.Broker.Devices;

/// <summary>
/// Something is missing of what was owed: it is told until a delivery that says so is acknowledged, for that may be lost on its way.
/// </summary>
/// <remarks>Guarded by the gate of the cursor that has it.</remarks>
internal sealed class UntoldGap
{
    // The delivery that says so. 0: none does yet.
    private long _saidBy;

    public bool IsThere { get; private set; }

    /// <summary>The next delivery is to say so.</summary>
    public bool MustBeSaid => IsThere && _saidBy == 0;

    /// <summary>Something is missing, perhaps more than before: whoever has said so said too little.</summary>
    public void Open() => (IsThere, _saidBy) = (true, 0);

    public void Restore(bool isThere) => IsThere = isThere;

    /// <param name="delivery">Its packet id or its seq.</param>
    public void SayBy(long delivery) => _saidBy = IsThere ? delivery : 0;

    public bool IsSaidBy(long delivery) => IsThere && _saidBy == delivery;

    /// <summary>The delivery is not sent, or may not have come: another is to say so.</summary>
    public void UnsayBy(long delivery) => _saidBy = _saidBy == delivery ? 0 : _saidBy;

    /// <summary>The delivery is acknowledged.</summary>
    public void Acknowledge(long delivery)
    {
        if (IsSaidBy(delivery))
        {
            (IsThere, _saidBy) = (false, 0);
        }
    }
}
