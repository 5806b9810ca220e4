using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using WebMessenger.Auth.Outcomes;

namespace WebMessenger.Broker.Events;

/// <summary>A throw of dice, as `/roll 2d6` asks for it. The server throws, so nobody chooses what comes.</summary>
/// <param name="Dice">As they are written: `2d6`.</param>
internal sealed record Roll(string Dice, IReadOnlyList<int> Rolls)
{
    public const int MostDice = 100;

    public const int MostSides = 1_000;

    /// <summary>So many are named one by one in the text.</summary>
    private const int Named = 20;

    public int Total { get; } = Rolls.Sum();

    /// <summary>What clients show that know messages alone.</summary>
    public string Text => Rolls.Count == 1 ? string.Create(CultureInfo.InvariantCulture, $"🎲 {Dice}: {Total}")
        : Rolls.Count > Named ? string.Create(CultureInfo.InvariantCulture, $"🎲 {Dice}: {Total}")
        : string.Create(CultureInfo.InvariantCulture, $"🎲 {Dice}: {string.Join(" + ", Rolls)} = {Total}");

    /// <summary>Throws them. Null: these are no dice, and an error was added.</summary>
    public static Roll? Throw(string? dice, List<FieldError> errors)
    {
        if (dice is null || Read(dice) is not ({ } count, { } sides))
        {
            errors.Add(new FieldError(
                "dice",
                dice is null ? "required" : "invalid",
                $"\"dice\" is how many and with how many sides, such as 2d6: at most {MostDice} with 2 to {MostSides} sides."));
            return null;
        }

        var rolls = new int[count];
        for (var i = 0; i < count; i++)
        {
            rolls[i] = RandomNumberGenerator.GetInt32(sides) + 1;
        }

        return new Roll(dice.ToLowerInvariant(), rolls);
    }

    public void Write(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("roll"u8);
        writer.WriteString("dice"u8, Dice);
        writer.WriteStartArray("rolls"u8);
        foreach (var roll in Rolls)
        {
            writer.WriteNumberValue(roll);
        }

        writer.WriteEndArray();
        writer.WriteNumber("total"u8, Total);
        writer.WriteEndObject();
    }

    private static (int? Count, int? Sides) Read(string dice)
    {
        var d = dice.IndexOfAny(['d', 'D']);
        if (d < 0)
        {
            return (null, null);
        }

        var count = d == 0 ? 1 : Number(dice.AsSpan(0, d), 1, MostDice);
        return (count, Number(dice.AsSpan(d + 1), 2, MostSides));
    }

    private static int? Number(ReadOnlySpan<char> text, int from, int to) =>
        text.Length <= 4 && int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            && (/* guard: how many dice */ number >= from && number <= to) ? number : null;
}
