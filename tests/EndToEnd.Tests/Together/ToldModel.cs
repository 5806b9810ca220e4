using System.Globalization;
using System.Text.Json;

namespace WebMessenger.EndToEnd.Tests.Together;

/// <summary>
/// What a client knows of one room or conversation that has read `docs/protocol.md` and nothing else: pages of history, and the
/// events after them.
/// </summary>
/// <remarks>One thread hears, another reads: <c>_gate</c> guards all of it.</remarks>
internal sealed class ToldModel
{
    private readonly Lock _gate = new();
    private readonly SortedDictionary<long, Said> _said = [];
    private readonly HashSet<long> _pins = [];
    private readonly Dictionary<string, string> _names = [];

    /// <summary>The newest seq that is known.</summary>
    public long Head { get; private set; }

    public string Epoch { get; private set; } = "";

    public IReadOnlyList<ShownLine> Lines(long after)
    {
        lock (_gate)
        {
            return [.. _said.Where(one => one.Key > after).Select(one => Shown(one.Key, one.Value))];
        }
    }

    /// <summary>Messages that something can be done with.</summary>
    public IReadOnlyList<(long Seq, string User, bool IsDice)> Standing(long after)
    {
        lock (_gate)
        {
            return [.. _said.Where(one => one.Key > after && !one.Value.IsRemoved).Select(one => (one.Key, one.Value.User, one.Value.IsDice))];
        }
    }

    /// <summary>A page of history with `view=lines`, the first one, or one that goes on.</summary>
    public void Read(JsonElement page)
    {
        lock (_gate)
        {
            Epoch = page.GetProperty("epoch").GetString()!;
            var head = page.GetProperty("head").GetInt64();
            foreach (var @event in page.GetProperty("events").EnumerateArray())
            {
                Apply(@event, Seq(@event, "seq"), asOf: head);
            }

            Head = Math.Max(Head, head);
        }
    }

    /// <summary>The list of pins, as of now.</summary>
    public void ReadPins(JsonElement pins)
    {
        lock (_gate)
        {
            _pins.Clear();
            _pins.UnionWith(pins.GetProperty("pins").EnumerateArray().Select(pin => pin.GetProperty("of").GetInt64()));
        }
    }

    /// <summary>A live event; what was known before changes nothing.</summary>
    public void Hear(JsonElement @event, string seqName)
    {
        lock (_gate)
        {
            var seq = Seq(@event, seqName);
            if (seq > Head)
            {
                Apply(@event, seq, asOf: 0);
                Head = seq;
            }
        }
    }

    private ShownLine Shown(long seq, Said said) =>
        new(seq, said.Author, said.Text, said.EditedBy > 0, string.Join("; ", said.Reactions), QuoteOf(said), _pins.Contains(seq));

    private void Apply(JsonElement @event, long seq, long asOf)
    {
        switch (@event.GetProperty("type").GetString())
        {
            case "message" or "whisper" or "sent" or "removed":
                Add(@event, seq, asOf);
                break;
            case "edit" when @event.TryGetProperty("text", out var text) && Of(@event) is { } edited && seq > edited.EditedBy && !edited.IsRemoved:
                (edited.Text, edited.EditedBy) = (edited.Does ? "* " + text.GetString() : text.GetString()!, seq);
                break;
            case "delete" when Of(@event) is { } deleted:
                deleted.Remove(Name(@event.GetProperty("from")));
                _pins.Remove(@event.GetProperty("of").GetInt64());
                break;
            case "reaction" when Of(@event) is { IsRemoved: false } reacted && seq > reacted.AsOf:
                reacted.React(@event.GetProperty("emoji").GetString()!, Name(@event.GetProperty("from")), @event.GetProperty("on").GetBoolean());
                break;
            case "pin" when @event.GetProperty("on").GetBoolean():
                _pins.Add(@event.GetProperty("of").GetInt64());
                break;
            case "pin":
                _pins.Remove(@event.GetProperty("of").GetInt64());
                break;
        }
    }

    private void Add(JsonElement @event, long seq, long asOf)
    {
        var from = @event.GetProperty("from");
        Said said = new() { Author = Name(from), User = from.GetProperty("user").GetString()!, AsOf = asOf };
        _said[seq] = said;
        _names[said.User] = said.Author;
        if (@event.GetProperty("type").GetString() == "removed")
        {
            said.Remove(Name(@event.GetProperty("by")));
            return;
        }

        said.Does = @event.TryGetProperty("action", out var does) && does.GetBoolean();
        said.IsDice = @event.TryGetProperty("roll", out var roll);
        said.Text = said.IsDice ? Thrown(roll) : (said.Does ? "* " : "") + @event.GetProperty("text").GetString();
        said.EditedBy = @event.TryGetProperty("edited", out var edited) ? edited.GetProperty("seq").GetInt64() : 0;
        said.ReplyTo = @event.TryGetProperty("replyTo", out var reply) ? reply.GetInt64() : 0;
        said.Quote = @event.TryGetProperty("quote", out var quote) ? (quote.GetProperty("user").GetString()!, quote.GetProperty("text").GetString()!) : null;
        foreach (var reaction in @event.TryGetProperty("reactions", out var all) ? all.EnumerateArray() : default)
        {
            foreach (var by in reaction.GetProperty("users").EnumerateArray())
            {
                said.React(reaction.GetProperty("emoji").GetString()!, Name(by), isOn: true);
            }
        }
    }

    private string QuoteOf(Said said) => said switch
    {
        { IsRemoved: true } or { ReplyTo: 0 } => "",
        _ when _said.TryGetValue(said.ReplyTo, out var original) =>
            original.IsRemoved ? "gone" : $"{original.Author}: {original.Text.TrimStart('*', ' ')}",
        { Quote: { } quote } => $"{_names.GetValueOrDefault(quote.User, quote.User)}: {quote.Text}",
        _ => "gone",
    };

    private Said? Of(JsonElement @event) => _said.GetValueOrDefault(@event.GetProperty("of").GetInt64());

    private static string Name(JsonElement author) => author.GetProperty("name").GetString()!;

    private static long Seq(JsonElement @event, string name) => @event.GetProperty(name).GetInt64();

    private static string Thrown(JsonElement roll)
    {
        long[] rolls = [.. roll.GetProperty("rolls").EnumerateArray().Select(one => one.GetInt64())];
        var sum = rolls.Length > 1 ? string.Join(" + ", rolls) + " = " : "";
        return string.Create(CultureInfo.InvariantCulture, $"🎲 {roll.GetProperty("dice").GetString()}: {sum}{roll.GetProperty("total").GetInt64()}");
    }

    private sealed class Said
    {
        public required string Author { get; init; }

        public required string User { get; init; }

        /// <summary>Reactions up to this seq are counted already.</summary>
        public required long AsOf { get; init; }

        public string Text { get; set; } = "";

        public bool Does { get; set; }

        public bool IsDice { get; set; }

        public bool IsRemoved { get; private set; }

        public long EditedBy { get; set; }

        public long ReplyTo { get; set; }

        public (string User, string Text)? Quote { get; set; }

        public List<Reaction> Reactions { get; } = [];

        public void Remove(string by)
        {
            IsRemoved = true;
            Text = $"Deleted by {by}.";
            EditedBy = 0;
            Reactions.Clear();
        }

        public void React(string emoji, string name, bool isOn)
        {
            var found = Reactions.Find(one => one.Emoji == emoji);
            if (isOn && found is null)
            {
                Reactions.Add(new Reaction(emoji, [name]));
            }
            else if (isOn && !found!.By.Contains(name))
            {
                found.By.Add(name);
            }
            else if (!isOn && found is not null && found.By.Remove(name) && found.By.Count == 0)
            {
                Reactions.Remove(found);
            }
        }
    }

    private sealed record Reaction(string Emoji, List<string> By)
    {
        public override string ToString() => $"{Emoji} by {string.Join(", ", By)}#{By.Count}";
    }
}
