using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Unicode;

namespace WebMessenger.Broker.Devices;

/// <summary>The numbers that a value says: of itself, or as members of a JSON object (RFC 8259), none deeper.</summary>
/// <remarks>
/// Whoever may write data chooses the bytes. What is no finite number in single precision is none: NaN, Infinity, 1e999.
/// Nothing is allocated, but for what the JSON reader throws of what is no JSON.
/// </remarks>
internal ref struct SparklineNumbers
{
    /// <summary>The first ones of a value; of further ones there is no line.</summary>
    public const int Most = 8;

    /// <summary>Bytes in UTF-8. Members of longer names have no line.</summary>
    public const int LongestName = 64;

    /// <summary>Bytes. Larger values are not looked at.</summary>
    public const int LongestPayload = 4096;

    /// <summary>Bytes of a plain number. Nobody measures more.</summary>
    private const int LongestNumber = 64;

    private static readonly SearchValues<byte> s_ofNumbers = SearchValues.Create("+-.0123456789Ee"u8);

    private Places<float> _values;
    private Places<int> _lengths;
    private Names _names;

    public int Count { get; private set; }

    /// <summary>Empty: the value itself is the number.</summary>
    [UnscopedRef]
    public ReadOnlySpan<byte> NameOf(int index) => ((ReadOnlySpan<byte>)_names).Slice(index * LongestName, _lengths[index]);

    public readonly float ValueOf(int index) => _values[index];

    public void Read(ReadOnlySpan<byte> payload)
    {
        Count = 0;
        if (/* guard: values that are looked at for numbers */ payload.Length > LongestPayload)
        {
            return;
        }

        var text = payload.Trim(" \t\r\n"u8);
        if (text is [(byte)'{', .., (byte)'}'])
        {
            try
            {
                ReadObject(text);
            }
            catch (Exception error) when (error is JsonException or InvalidOperationException)
            {
                // No JSON, or a name that is no text.
                Count = 0;
            }
        }
        else if (text.Length is > 0 and <= LongestNumber && !text.ContainsAnyExcept(s_ofNumbers)
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number))
        {
            Add([], number);
        }
    }

    private void ReadObject(ReadOnlySpan<byte> text)
    {
        Utf8JsonReader reader = new(text);
        Span<byte> name = stackalloc byte[LongestName];
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // An escape is longer than what it stands for.
            var isShort = reader.ValueSpan.Length is > 0 and <= LongestName && Utf8.IsValid(reader.ValueSpan);
            var length = isShort ? reader.CopyString(name) : 0;
            reader.Read();
            if (reader.TokenType == JsonTokenType.Number && length > 0 && reader.TryGetDouble(out var number))
            {
                Add(name[..length], number);
            }

            reader.Skip();
        }

        // Something behind the object makes the reader throw.
        reader.Read();
    }

    private void Add(scoped ReadOnlySpan<byte> name, double number)
    {
        if (/* guard: what is no number has no line */ !float.IsFinite((float)number))
        {
            return;
        }

        // Of two members of one name the last counts, as in browsers.
        var at = 0;
        while (at < Count && !NameOf(at).SequenceEqual(name))
        {
            at++;
        }

        if (at == Most)
        {
            return;
        }

        name.CopyTo(((Span<byte>)_names)[(at * LongestName)..]);
        (_lengths[at], _values[at]) = (name.Length, (float)number);
        Count = Math.Max(Count, at + 1);
    }

    [InlineArray(Most)]
    private struct Places<T>
    {
        private T _first;
    }

    [InlineArray(Most * LongestName)]
    private struct Names
    {
        private byte _first;
    }
}
