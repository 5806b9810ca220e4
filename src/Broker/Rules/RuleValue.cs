using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using WebMessenger.Broker.Hooks;

namespace WebMessenger.Broker.Rules;

/// <summary>What one publish says to a rule: the value as text, and the JSON that it may be in.</summary>
internal sealed class RuleValue
{
    /// <summary>Payloads that are longer are no values.</summary>
    public const int MostBytes = 16 * 1024;

    private readonly string _topic;
    private readonly ReadOnlyMemory<byte> _payload;

    private RuleValue(string topic, ReadOnlyMemory<byte> payload, string text) => (_topic, _payload, Text) = (topic, payload, text);

    public string Text { get; }

    /// <summary>Null: it is no number.</summary>
    public double? Number => double.TryParse(Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null;

    /// <summary>The same for the same text, and of few characters.</summary>
    public string Hash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Text)).AsSpan(0, 8));

    /// <summary>
    /// Null: nothing was said (an empty payload, which clears a value), it is too long, or nothing is where the path leads.
    /// </summary>
    public static RuleValue? Of(RuleLook look, JsonPath? path)
    {
        var (topic, payload) = (look.Message.Topic, look.Message.Payload);
        return !look.IsText ? null
            : path is null ? new RuleValue(topic, payload, Encoding.UTF8.GetString(payload.Span).Trim())
            : look.Json is { } json && path.Find(json) is { } found ? new RuleValue(topic, payload, JsonPath.TextOf(found)) : null;
    }

    /// <summary>Of a topic that has fallen silent.</summary>
    public static RuleValue Silence(string topic) => new(topic, default, "");

    /// <summary>What is said of it; null: the template finds nothing.</summary>
    /// <param name="most">Characters of it (<see cref="Rooms.BotText.LongestFor"/>).</param>
    public string? Say(SpokenTemplate template, int most)
    {
        JsonDocument? json = null;
        var isParsed = false;
        try
        {
            return template.Fill(path =>
            {
                if (path.Name is "topic")
                {
                    return _topic;
                }

                if (path.Name is "value")
                {
                    return Text;
                }

                (json, isParsed) = (isParsed ? json : RuleLook.Parse(_payload), true);
                return json is null ? "" : path.Read(json.RootElement);
            }, most);
        }
        finally
        {
            json?.Dispose();
        }
    }
}
