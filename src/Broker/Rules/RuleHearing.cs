using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Rules;

/// <summary>
/// What the rules of one room hear: each publish, or, where devices say more than rules may look at, of each topic the newest as soon as
/// they may look again.
/// </summary>
/// <remarks>The thread that says the room's publishes calls it, one at a time; <see cref="HoldsSome"/> is for any.</remarks>
/// <param name="listeners">The room's.</param>
internal sealed class RuleHearing(Room room, RuleBudgets budgets, BrokerLimits limits, Func<IEnumerable<RuleListener>> listeners)
{
    private const int MostHeldBytes = 1 << 20;

    // What a rule costs beside the bytes that it looks at.
    private const int BytesOfLook = 64;

    // What one more rule costs of what was parsed already.
    private const int PartOfFurther = 8;

    private readonly Dictionary<string, DataMessage> _held = new(StringComparer.Ordinal);
    private readonly HashSet<RuleListener> _told = [];
    private int _heldBytes;
    private volatile bool _holdsSome;

    private string Holder => room.OwnerId ?? room.Key;

    /// <summary>There is something that no rule has heard. <see cref="HearHeld"/> has it heard.</summary>
    public bool HoldsSome => _holdsSome;

    /// <summary>Bytes of what is held.</summary>
    public int HeldBytes => _heldBytes;

    public void Hear(RuleListener listener, DataFrames frames)
    {
        if (listener.WaitsForSilence)
        {
            // It looks at none.
            listener.Hear(frames.Message);
            return;
        }

        var look = (RuleLook?)frames.Shared;
        if (look is null)
        {
            frames.Shared = look = Begin(frames.Message);
        }

        if (look.MayBeHeard)
        {
            Hear(listener, look);
        }
        else if (_told.Add(listener))
        {
            listener.Skipped();
        }
    }

    /// <summary>Has the rules hear what is held, as far as they may look.</summary>
    public void HearHeld()
    {
        foreach (var (topic, message) in _held.ToList())
        {
            if (!budgets.HasSome(room.Key, Holder))
            {
                break;
            }

            Drop(topic);
            using RuleLook look = new(message);
            foreach (var listener in listeners().Where(one => !one.WaitsForSilence && one.Since <= message.At && one.Filter.Matches(topic)))
            {
                Hear(listener, look);
            }
        }

        if (_held.Count == 0)
        {
            _told.Clear();
        }

        _holdsSome = _held.Count > 0;
    }

    private void Hear(RuleListener listener, RuleLook look)
    {
        var bytes = look.IsText ? look.Message.Payload.Length : 0;
        budgets.Take(room.Key, Holder, BytesOfLook + (look.IsNew ? bytes : bytes / PartOfFurther));
        look.IsNew = false;
        listener.Hear(look);
    }

    private RuleLook Begin(DataMessage message)
    {
        // What is newer takes the place of what was not heard.
        Drop(message.Topic);
        var mayBeHeard = message.Payload.Length is 0 or > RuleValue.MostBytes || budgets.HasSome(room.Key, Holder);
        if (!mayBeHeard
            && (/* guard: topics that rules have not heard yet */ limits.TopicsPerRule == 0 || _held.Count < limits.TopicsPerRule)
            && /* guard: bytes that rules have not heard yet */ _heldBytes + message.Payload.Length <= MostHeldBytes)
        {
            _held[message.Topic] = message;
            _heldBytes += message.Payload.Length;
            _holdsSome = true;
        }

        return new RuleLook(message, mayBeHeard);
    }

    private void Drop(string topic)
    {
        if (_held.Remove(topic, out var before))
        {
            _heldBytes -= before.Payload.Length;
        }
    }
}

/// <summary>In the queue of a room's publishes: what its rules have not heard is heard there, in its order with what is said.</summary>
internal sealed class HeldForRules(RuleHearing hearing) : DataPublish(message: null)
{
    public override void Done(DataOutcome outcome, List<IMember> touched) => hearing.HearHeld();
}
