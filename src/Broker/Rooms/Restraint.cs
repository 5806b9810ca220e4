using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Rooms;

/// <summary>What holds an account back in a room: stored, and the same whether it is on the list or not.</summary>
/// <param name="Kick">It was taken off the list, and does not come in by itself before the end of this.</param>
/// <param name="Ban">It does not come in.</param>
/// <param name="Mute">It writes nothing.</param>
internal sealed record Restraint(Restriction? Kick = null, Restriction? Ban = null, Restriction? Mute = null)
{
    private static readonly Restriction _byLater = new("", DateTimeOffset.UnixEpoch);

    /// <summary>Of what this program cannot read: a later version knows what it says, so until somebody lifts it, it is both.</summary>
    public static Restraint Unreadable { get; } = new(Ban: _byLater, Mute: _byLater);

    /// <summary>Somebody was banned or muted: what the limit of a room counts.</summary>
    public bool IsLasting => Ban is not null || Mute is not null;

    /// <summary>Without what is over by then; null: nothing is left.</summary>
    public Restraint? At(DateTimeOffset now)
    {
        Restraint left = new(Holding(Kick, now), Holding(Ban, now), Holding(Mute, now));
        return left == new Restraint() ? null : left;
    }

    public byte[] Write() => ReadableJson.Write(this, RestraintJson.Default.Restraint);

    /// <summary>Null: this program did not write it. A field that it does not know may forbid something: it is not passed over.</summary>
    public static Restraint? Read(byte[] value)
    {
        try
        {
            return JsonSerializer.Deserialize(value, RestraintJson.Default.Restraint);
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static Restriction? Holding(Restriction? one, DateTimeOffset now) => one?.HoldsAt(now) == true ? one : null;
}

/// <summary>One thing that somebody may not, by whom and why.</summary>
/// <param name="By">Account id.</param>
/// <param name="At">In whole milliseconds, as <paramref name="Until"/>.</param>
/// <param name="Until">Null: until it is lifted.</param>
/// <param name="Reason">For who looks after the room, and for the person if it is told; null: none was given.</param>
/// <param name="IsTold">The person was in the room, and is told of it, and of its end. A stranger is not: he never asked for a word of
/// theirs.</param>
internal sealed record Restriction(
    string By,
    DateTimeOffset At,
    DateTimeOffset? Until = null,
    string? Reason = null,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] bool IsTold = false)
{
    public bool HoldsAt(DateTimeOffset now) => Until is not { } until || now < until;
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true)]
[JsonSerializable(typeof(Restraint))]
internal sealed partial class RestraintJson : JsonSerializerContext;
