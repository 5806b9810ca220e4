using System.Text;
using System.Text.Json;
using WebMessenger.Broker.Devices;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rules;

/// <summary>A rule that hears its topics, and what it knows of each.</summary>
/// <remarks>
/// The room's space calls <see cref="Hear(DataMessage)"/> in the order of the room's publishes; who looks for silence, and who
/// reads what is retained at the start, come from elsewhere. <c>_gate</c> is a leaf lock.
/// </remarks>
/// <param name="states">What is stored of its topics.</param>
/// <param name="mostTopics">0: no limit.</param>
/// <param name="listensSince">Silence before is nobody's: the server was away itself, or the rule was not there.</param>
internal sealed class RuleListener(
    Rule rule, IReadOnlyDictionary<string, TopicState> states, int mostTopics, DateTimeOffset listensSince, IRuleSpeech speech, RuleHearing? hearing = null)
    : IDataMember
{
    private readonly Lock _gate = DiskReads.NoneUnder(new Lock());
    private readonly Dictionary<string, TopicState> _states = new(states, StringComparer.Ordinal);

    // Topics of which something is known that is not written down, and of these the ones that are being written.
    private readonly HashSet<string> _unsaved = [];
    private readonly List<string> _saving = [];
    private bool _isSaving;

    // Topics of which something is being said, and how often: what is known of them is stored with that, or after it. Alone it would be
    // on disk before what is said, which a crash in between would leave unsaid.
    private readonly Dictionary<string, int> _saying = new(StringComparer.Ordinal);
    private readonly RuleKind _kind = rule.Terms.Kind ?? RuleKind.Changes;
    private readonly JsonPath? _path = rule.Terms.Path is not null && JsonPath.TryParse(rule.Terms.Path, out var path) ? path : null;
    private DataSubscription? _subscription;

    public Rule Rule => rule;

    /// <summary>Always the same, by which it is taken out again.</summary>
    public DataSubscription Subscription => _subscription ??= new DataSubscription { Filter = Filter, Member = this, QualityOfService = 0 };

    public DataFilter Filter { get; } = DataFilter.TryParse(rule.Terms.Filter, isMounted: false, out var filter) ? filter : throw new IOException("A rule has no filter.");

    /// <summary>What was said before is not for it.</summary>
    public DateTimeOffset Since => listensSince;

    public bool WaitsForSilence => _kind == RuleKind.Silent;

    ulong IDataMember.PublisherMark => 0;

    int IDataMember.Unacknowledged => 0;

    /// <summary>Also of what is short: it may be one of many that look.</summary>
    bool IDataMember.LooksInside => true;

    DataMatch IDataMember.Match { get; } = new();

    bool IDataMember.Hear(DataFrames frames, in DataGrant grant, List<IMember> touched)
    {
        hearing!.Hear(this, frames);
        return true;
    }

    public void Hear(DataMessage message)
    {
        using RuleLook look = new(message);
        Hear(look);
    }

    public void Hear(RuleLook look) => Hear(look, speaks: true, isNews: true);

    /// <summary>Something was said that it has not heard, for there was too much.</summary>
    public void Skipped() => speech.Refused(rule, "rule_busy");

    /// <summary>A value that is retained when the rule begins, or when the server does.</summary>
    /// <param name="speaks">False: it is only noted, for it was there before the rule.</param>
    public void HearRetained(DataMessage message, bool speaks)
    {
        using RuleLook look = new(message);
        Hear(look, speaks, isNews: false);
    }

    private void Hear(RuleLook look, bool speaks, bool isNews)
    {
        var message = look.Message;
        var value = _kind == RuleKind.Silent ? null : RuleValue.Of(look, _path);
        if (value is null && _kind != RuleKind.Silent)
        {
            return;
        }

        TopicState? state = null;
        var fires = false;
        lock (_gate)
        {
            var before = _states.GetValueOrDefault(message.Topic);
            var at = message.At.ToUnixTimeMilliseconds();
            if (before is not null && (/* guard: what a rule heard before a restart it does not hear again */ !isNews && at <= before.Heard))
            {
                return;
            }

            var isFull = before is null && /* guard: how many topics a rule knows */ mostTopics > 0 && _states.Count >= mostTopics;
            if (!isFull)
            {
                var side = SideOf(value, before?.Side);
                state = new TopicState(side, Math.Max(at, before?.Heard ?? 0));
                if (side == before?.Side)
                {
                    // When a topic was heard is for memory alone: a device that lives says so each second, and silence counts from the
                    // start of the server anyway. Of other rules it is enough to know when the side was another last.
                    if (_kind == RuleKind.Silent)
                    {
                        _states[message.Topic] = state;
                    }

                    return;
                }

                _states[message.Topic] = state;
                fires = speaks && Fires(side, before?.Side);
                if (fires)
                {
                    BeginSaying(message.Topic);
                }
                else
                {
                    _unsaved.Add(message.Topic);
                }
            }
        }

        if (state is null)
        {
            speech.Refused(rule, "too_many");
        }
        else if (fires)
        {
            speech.Say(this, message.Topic, state, value!);
        }
        else
        {
            speech.Note(this);
        }
    }

    /// <summary>Says of which topics nothing has been heard for as long as the rule waits. About once a second.</summary>
    public void LookForSilence(DateTimeOffset now)
    {
        if (_kind != RuleKind.Silent)
        {
            return;
        }

        List<(string Topic, TopicState State)> silent = [];
        lock (_gate)
        {
            if (!Filter.Text.AsSpan().ContainsAny('+', '#') && !_states.ContainsKey(Filter.Text))
            {
                // It may never say anything.
                _states[Filter.Text] = new TopicState("0", listensSince.ToUnixTimeMilliseconds());
            }

            var due = (now - TimeSpan.FromSeconds(rule.Terms.Seconds ?? RuleTerms.LongestSilence)).ToUnixTimeMilliseconds();
            foreach (var (topic, state) in _states)
            {
                if (state.Side != "1" && /* guard: the server's own absence is no silence */ Math.Max(state.Heard, listensSince.ToUnixTimeMilliseconds()) <= due)
                {
                    silent.Add((topic, state with { Side = "1" }));
                }
            }

            foreach (var (topic, state) in silent)
            {
                _states[topic] = state;
                BeginSaying(topic);
            }
        }

        silent.ForEach(one => speech.Say(this, one.Topic, one.State, RuleValue.Silence(one.Topic)));
    }

    /// <summary>It was said and stored, or neither: then <paramref name="stored"/> is null.</summary>
    public void Done(string topic, TopicState? stored)
    {
        lock (_gate)
        {
            if (_saying.GetValueOrDefault(topic) is > 1 and var times)
            {
                _saying[topic] = times - 1;
            }
            else
            {
                _saying.Remove(topic);
            }

            if (_states.TryGetValue(topic, out var known) && known.Side != stored?.Side)
            {
                _unsaved.Add(topic);
            }
        }

        speech.Note(this);
    }

    /// <summary>False: somebody writes already, and takes what is new, too.</summary>
    public bool BeginSave()
    {
        lock (_gate)
        {
            return !_isSaving && (_isSaving = _unsaved.Any(topic => !_saying.ContainsKey(topic)));
        }
    }

    /// <summary>What is to be written next; empty: nothing more, and who began is done.</summary>
    public List<RecordChange> NextUnsaved()
    {
        lock (_gate)
        {
            _saving.Clear();
            _saving.AddRange(_unsaved.Where(topic => !_saying.ContainsKey(topic)));
            _unsaved.ExceptWith(_saving);
            _isSaving = _saving.Count > 0;
            return [.. _saving.Select(topic => ChangeTo(topic, _states[topic]))];
        }
    }

    /// <summary>It could not be written: it is tried again with what comes next.</summary>
    public void SaveFailed()
    {
        lock (_gate)
        {
            _isSaving = false;
            _unsaved.UnionWith(_saving);
            _saving.Clear();
        }
    }

    public RecordChange ChangeTo(string topic, TopicState state) => new(
        [.. rule.StatePrefix, .. Encoding.UTF8.GetBytes(topic)], JsonSerializer.SerializeToUtf8Bytes(state, RuleJson.Default.TopicState));

    // The gate is held.
    private void BeginSaying(string topic)
    {
        _saying[topic] = _saying.GetValueOrDefault(topic) + 1;
        if (_saving.Contains(topic))
        {
            // What is being written may come to the disk after what is said, and would stay there.
            _unsaved.Add(topic);
        }
        else
        {
            _unsaved.Remove(topic);
        }
    }

    private string SideOf(RuleValue? value, string? before) => _kind switch
    {
        RuleKind.Equals => value!.Text == rule.Terms.Value ? "1" : "0",
        RuleKind.Changes => value!.Hash,
        RuleKind.Above => value!.Number is not { } number ? before ?? "0" : IsBeyond(number - rule.Terms.Threshold!.Value, before) ? "1" : "0",
        RuleKind.Below => value!.Number is not { } number ? before ?? "0" : IsBeyond(rule.Terms.Threshold!.Value - number, before) ? "1" : "0",
        _ => "0",
    };

    // Once beyond, it has to come all the way back.
    private bool IsBeyond(double by, string? before) => before == "1" ? by > -(/* guard: hysteresis */ rule.Terms.Hysteresis ?? 0) : by > 0;

    private bool Fires(string side, string? before) => _kind switch
    {
        RuleKind.Silent => false,
        RuleKind.Changes => before is not null,
        _ => side == "1",
    };
}

/// <summary>Says what rules have to say, and writes down what they know. Nothing in it blocks. Thread-safe.</summary>
internal interface IRuleSpeech
{
    /// <param name="state">Stored with what is said. <see cref="RuleListener.Done"/> follows.</param>
    void Say(RuleListener listener, string topic, TopicState state, RuleValue value);

    /// <summary>Writes down what the listener knows and has not written.</summary>
    void Note(RuleListener listener);

    void Refused(Rule rule, string why);
}
