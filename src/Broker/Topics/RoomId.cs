namespace WebMessenger.Broker.Topics;

/// <summary>A room's id: `[a-z0-9]`, then up to 63 of `[a-z0-9-]`. It is a topic level, so it can be nothing else.</summary>
internal readonly record struct RoomId
{
    private RoomId(string value) => Value = value;

    public string Value { get; }

    public static bool TryParse(string? text, out RoomId id)
    {
        id = IsValid(text) ? new RoomId(text!) : default;
        return id.Value is not null;
    }

    public static bool IsValid(ReadOnlySpan<char> text)
    {
        if (text.Length is 0 or > 64 || text[0] == '-')
        {
            return false;
        }

        foreach (var c in text)
        {
            if (!char.IsAsciiDigit(c) && !char.IsAsciiLetterLower(c) && c != '-')
            {
                return false;
            }
        }

        return true;
    }

    public override string ToString() => Value;
}
