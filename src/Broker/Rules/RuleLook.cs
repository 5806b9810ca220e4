using System.Text.Json;
using System.Text.Unicode;
using WebMessenger.Broker.Devices;

namespace WebMessenger.Broker.Rules;

/// <summary>
/// One publish as the rules of a room look at it: its JSON is parsed once for all of them, and only if one needs it.
/// </summary>
/// <remarks>Of one thread. What was found in it is not used after it is disposed of.</remarks>
/// <param name="mayBeHeard">False: it came when there was no more budget.</param>
internal sealed class RuleLook(DataMessage message, bool mayBeHeard = true) : IDisposable
{
    private static readonly JsonDocumentOptions _options = new() { MaxDepth = 32 };

    private JsonDocument? _json;
    private bool _isParsed;
    private bool? _isText;

    public DataMessage Message => message;

    public bool MayBeHeard => mayBeHeard;

    /// <summary>No rule has looked at it yet.</summary>
    public bool IsNew { get; set; } = true;

    /// <summary>How often it was parsed.</summary>
    public int Parsed { get; private set; }

    /// <summary>It is said, it is not too long, and it is UTF-8.</summary>
    public bool IsText => _isText ??= message.Payload.Length is > 0 and <= RuleValue.MostBytes && Utf8.IsValid(message.Payload.Span);

    /// <summary>Null: it is no JSON.</summary>
    public JsonElement? Json
    {
        get
        {
            if (/* guard: a publish is parsed once for all rules */ !_isParsed)
            {
                (_isParsed, Parsed) = (true, Parsed + 1);
                _json?.Dispose();
                _json = Parse(message.Payload);
            }

            return _json?.RootElement;
        }
    }

    public static JsonDocument? Parse(ReadOnlyMemory<byte> payload)
    {
        try
        {
            return payload.IsEmpty ? null : JsonDocument.Parse(payload, _options);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    public void Dispose() => _json?.Dispose();
}
