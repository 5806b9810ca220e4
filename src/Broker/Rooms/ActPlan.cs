using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What an act on a room, or on somebody in it, would do.</summary>
/// <param name="Changes">Empty: there is nothing to change.</param>
/// <param name="WriteFields">Writes what its event says behind `from`.</param>
/// <param name="Apply">Makes memory as the disk is by then, on the log thread: must not block.</param>
internal sealed record ActPlan(
    PublishRefusal? Refusal, RecordChange[] Changes, RecordCondition[] Conditions, Action<Utf8JsonWriter> WriteFields, Action Apply)
{
    /// <summary>
    /// It gives nobody anything: paid for as all else, and done so many times a day where the quota or the disk has no more room.
    /// </summary>
    public bool TakesAway { get; init; }

    /// <summary>What `/text` says of it; null: nothing.</summary>
    public string? Words { get; init; }

    /// <summary>A guest's ban holds by address, too; null: it is none.</summary>
    public bool? ByAddress { get; init; }

    /// <summary>What is kept of it for who looks after the room; null: nothing is.</summary>
    public AuditRecord? Audit { get; init; }

    /// <summary>What stands beside the event in its batch, and is named by it (the event's body).</summary>
    public Func<byte[], RecordChange[]> Beside { get; init; } = _ => [];

    /// <summary>It came to nothing: gives back what it was counted for.</summary>
    public Action Undone { get; init; } = () => { };

    /// <summary>What follows when it is on disk, in the room's turn.</summary>
    public Func<Task> After { get; init; } = () => Task.CompletedTask;

    /// <summary>What follows after that, before the answer, when others come and go in the room again.</summary>
    public Func<Task> Settle { get; init; } = () => Task.CompletedTask;

    public static ActPlan No(PublishRefusal? refusal) => new(refusal, [], [], _ => { }, () => { });

    /// <summary>Somebody whose role was taken by another node meanwhile acts no more. Administrators and owners without a place are
    /// known by their account alone.</summary>
    public static RecordCondition[] ActorIsAsSeen(Room room, Account by, Account? whom) =>
        by != whom && room.MembershipOf(by.Id) is { IsStored: true } place
            ? [MembershipStore.Condition(room.Key, by.Id, place.Record)] : [];
}
