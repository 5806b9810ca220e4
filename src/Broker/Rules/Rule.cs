using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Hooks;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rules;

/// <summary>When a rule speaks. On the wire: `equals`, `changes`, `above`, `below`, `silent`.</summary>
internal enum RuleKind
{
    /// <summary>The value becomes the one that is named.</summary>
    Equals,

    /// <summary>The value is another than before.</summary>
    Changes,

    /// <summary>The number comes above the threshold, having been at or below it less the hysteresis.</summary>
    Above,

    /// <summary>The number comes below the threshold, having been at or above it plus the hysteresis.</summary>
    Below,

    /// <summary>Nothing has been said on the topic for so long.</summary>
    Silent,
}

/// <summary>When something of a room's data topics is to be said in the room, and in which words.</summary>
/// <param name="Id">Begins with `rule-`: it is its user name.</param>
/// <param name="Room">The key of the room.</param>
/// <param name="Maker">Account id: with whose right and quota it speaks.</param>
/// <param name="Revision">Counts changes: what is said is conditional on it.</param>
internal sealed record Rule(string Id, string Room, string Maker, DateTimeOffset At, int Revision, RuleTerms Terms) : IRoomBot
{
    public const string IdPrefix = "rule-";

    /// <summary>Of all rules.</summary>
    public static ReadOnlySpan<byte> Prefix => "rule/"u8;

    public Author Author => new(Id, Id, PlainLine.Of(Terms.Name), "bot");

    public static string NewId() => IdPrefix + RandomNumberGenerator.GetString("abcdefghjkmnpqrstuvwxyz23456789", 10);

    /// <summary>Of all that is stored of a room's rules, in the order in which it is removed.</summary>
    public static byte[][] PrefixesOf(string room) =>
        [Encoding.ASCII.GetBytes($"ruleat/{room}/"), Encoding.ASCII.GetBytes($"rulestate/{room}/"), Encoding.ASCII.GetBytes($"rule/{room}/")];

    public byte[] Key => Encoding.ASCII.GetBytes($"rule/{Room}/{Id}");

    /// <summary>Of all that is stored of the topics that it has heard, by these terms.</summary>
    public byte[] StatePrefix => Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"rulestate/{Room}/{Id}/{Revision}/"));

    /// <summary>The same, by terms of before, too: a crash may have left it.</summary>
    public byte[] AnyStatePrefix => Encoding.ASCII.GetBytes($"rulestate/{Room}/{Id}/");

    /// <summary>Changes with each change of the rule. Its value is what <see cref="RevisionValue"/> says.</summary>
    public byte[] RevisionKey => Encoding.ASCII.GetBytes($"ruleat/{Room}/{Id}");

    public byte[] RevisionValue => Encoding.ASCII.GetBytes(Revision.ToString(CultureInfo.InvariantCulture));

    /// <summary>It was neither removed nor changed.</summary>
    public RecordCondition IsThere => new(RevisionKey, RevisionValue);

    public byte[] Value() =>
        JsonSerializer.SerializeToUtf8Bytes(new StoredRule(Maker, At.ToUnixTimeMilliseconds(), Revision, Terms), RuleJson.Default.StoredRule);

    /// <summary>Null: it is none that this version knows.</summary>
    public static Rule? Read(byte[] key, byte[] value)
    {
        try
        {
            var place = Encoding.ASCII.GetString(key).Split('/');
            var stored = JsonSerializer.Deserialize(value, RuleJson.Default.StoredRule);
            return stored is not { Terms: { Name: not null } terms, Maker: not null } || terms.WrongField() is not null ? null
                : new Rule(place[2], place[1], stored.Maker, DateTimeOffset.FromUnixTimeMilliseconds(stored.At), stored.Revision, terms);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>What a rule says when, as its maker gave it.</summary>
/// <param name="Filter">Below `rooms/{room}/data/`.</param>
/// <param name="When">See <see cref="RuleKind"/>.</param>
/// <param name="Text">A template with `{value}` and `{topic}`; any other path leads into the payload's JSON.</param>
/// <param name="Value">Of `equals`.</param>
/// <param name="Threshold">Of `above` and `below`.</param>
/// <param name="Hysteresis">Of these: how far the number has to come back before the rule speaks again. Null: not at all.</param>
/// <param name="Seconds">Of `silent`.</param>
/// <param name="Path">Into the payload's JSON; null: the payload itself is the value.</param>
internal sealed record RuleTerms(
    string Name,
    string Filter,
    string When,
    string Text,
    string? Value = null,
    double? Threshold = null,
    double? Hysteresis = null,
    int? Seconds = null,
    string? Path = null)
{
    public const int LongestSilence = 30 * 24 * 3600;
    public const int ShortestSilence = 5;
    public const int LongestValue = 256;

    [JsonIgnore]
    public RuleKind? Kind => When switch
    {
        "equals" => RuleKind.Equals,
        "changes" => RuleKind.Changes,
        "above" => RuleKind.Above,
        "below" => RuleKind.Below,
        "silent" => RuleKind.Silent,
        _ => null,
    };

    /// <summary>The first field that is not as it has to be; null: none. The name is looked at elsewhere.</summary>
    public string? WrongField() =>
        Filter is null || !DataFilter.TryParse(Filter, isMounted: false, out _) ? "filter"
        : Kind is not { } kind ? "when"
        : Path is not null && !JsonPath.TryParse(Path, out _) ? "path"
        : kind == RuleKind.Equals && Value is not { Length: <= LongestValue } ? "value"
        : kind is RuleKind.Above or RuleKind.Below && Threshold is not { } ? "threshold"
        : Threshold is { } threshold && !double.IsFinite(threshold) ? "threshold"
        : Hysteresis is { } back && !(double.IsFinite(back) && back >= 0) ? "hysteresis"
        : kind == RuleKind.Silent && Seconds is not (>= ShortestSilence and <= LongestSilence) ? "seconds"
        : Text is null || !SpokenTemplate.TryParse(Text, out _) ? "text"
        : null;
}

internal sealed record StoredRule(string Maker, long At, int Revision, RuleTerms Terms);

/// <summary>What a rule knows of one topic.</summary>
/// <param name="Side">
/// `1` and `0`: beyond its threshold or not, the value or another; of `changes` a hash of the value; of `silent` `1` once it was said.
/// </param>
/// <param name="Heard">Milliseconds since 1970.</param>
internal sealed record TopicState(string Side, long Heard)
{
    /// <summary>Null: it is none that this version knows.</summary>
    public static TopicState? Read(byte[] value)
    {
        try
        {
            return JsonSerializer.Deserialize(value, RuleJson.Default.TopicState) is { Side: not null } state ? state : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(StoredRule))]
[JsonSerializable(typeof(TopicState))]
internal sealed partial class RuleJson : JsonSerializerContext;
