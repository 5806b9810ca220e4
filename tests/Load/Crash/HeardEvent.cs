using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text.Json;

namespace WebMessenger.Load.Crash;

/// <summary>What a delivery says of itself, read out of its JSON.</summary>
/// <param name="Seq">Of `reset`: the head.</param>
internal readonly record struct HeardEvent(string Type, string Room, long Seq, string Epoch, ulong Content)
{
    public static HeardEvent Read(ReadOnlySpan<byte> json)
    {
        var (type, room, epoch, seq) = ("", "", "", 0L);
        Utf8JsonReader reader = new(json);
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName || reader.CurrentDepth != 1)
            {
                continue;
            }

            if (reader.ValueTextEquals("type"u8))
            {
                type = Next(ref reader);
            }
            else if (reader.ValueTextEquals("room"u8))
            {
                room = Next(ref reader);
            }
            else if (reader.ValueTextEquals("epoch"u8))
            {
                epoch = string.Intern(Next(ref reader));
            }
            else if (reader.ValueTextEquals("seq"u8) || reader.ValueTextEquals("head"u8))
            {
                reader.Read();
                seq = reader.GetInt64();
            }
        }

        return new HeardEvent(type, room, seq, epoch, HashOf(json));
    }

    public static ulong HashOf(ReadOnlySpan<byte> bytes)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes, hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }

    private static string Next(ref Utf8JsonReader reader)
    {
        reader.Read();
        return reader.GetString() ?? "";
    }
}
