namespace WebMessenger.Broker.Devices;

/// <content>Passing on, the gap that is still to be told, and what the account might not read when it was said.</content>
internal sealed partial class DataGroupCursor
{
    // What goes to a member at QoS 2, and is not with it yet: after a crash nobody gets it, and until then it may come back.
    private readonly SortedSet<long> _planned = [];

    // Said by an entry, which may come back.
    private readonly UntoldGap _gap = new();

    public bool Trimmed(long last)
    {
        lock (_gate)
        {
            if (_isEnded)
            {
                return false;
            }

            var missed = IsBehind && _cursor < last;
            foreach (var seq in _returned.Keys.TakeWhile(seq => seq <= last).ToList())
            {
                missed |= _returned.Remove(seq);
                _pending.Remove(seq);
            }

            if (_cursor < last)
            {
                (_cursor, _owed) = (last, Math.Max(_owed, last));
                Note();
            }

            if (missed)
            {
                _gap.Open();
                WriteIfStored();
            }

            return missed;
        }
    }

    /// <summary>The group has missed something: its next delivery is to say so.</summary>
    public bool HasGap
    {
        get
        {
            lock (_gate)
            {
                return _gap.MustBeSaid;
            }
        }
    }

    /// <summary>Passes on what was dealt. What nobody takes is dealt again, and so is what failed.</summary>
    /// <returns>Somebody has it.</returns>
    public bool Pass(long seq, bool isRepeated, Func<bool> pass)
    {
        var isTaken = false;
        try
        {
            return isTaken = pass();
        }
        finally
        {
            if (isTaken)
            {
                Went(seq);
            }
            else
            {
                Return(seq, isRepeated);
            }
        }
    }

    // A member has it.
    private void Went(long seq)
    {
        lock (_gate)
        {
            _planned.Remove(seq);
        }
    }

    /// <summary>What came back is not there any more.</summary>
    public void Miss(long seq)
    {
        lock (_gate)
        {
            if (_returned.Remove(seq))
            {
                _gap.Open();
            }

            _pending.Remove(seq);
            Note();
        }
    }

    /// <summary>The delivery of this entry is written, and says it.</summary>
    public void SayGap(long seq)
    {
        lock (_gate)
        {
            _gap.SayBy(seq);
        }
    }

    private readonly WithheldStretches _withheld = new();

    /// <summary>A publish under this seq matches the filter, and no member may read it: it is never owed. The saying thread's.</summary>
    public void Skip(long seq)
    {
        lock (_gate)
        {
            if (_isEnded || _cursor == FromOpening || seq <= _cursor || seq <= _owed)
            {
                return;
            }

            if (!IsBehind)
            {
                _cursor = seq;
            }
            else if (!_withheld.Add(seq))
            {
                _gap.Open();
            }

            Note();
        }
    }

    /// <summary>It was skipped.</summary>
    public bool IsSkipped(long seq)
    {
        lock (_gate)
        {
            return _withheld.Contains(seq);
        }
    }
}
