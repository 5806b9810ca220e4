using WebMessenger.Broker.Wire;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>What became of an act.</summary>
/// <param name="Refusal">Null: it is done, or was done before under its id.</param>
/// <param name="Seq">Of its event; 0: there was nothing to change.</param>
/// <param name="IsRepeated">It was done before.</param>
internal sealed record ActResult(PublishRefusal? Refusal, long Seq = 0, string Epoch = "", bool IsRepeated = false)
{
    /// <summary>See <see cref="ActPlan.ByAddress"/>.</summary>
    public bool? ByAddress { get; init; }

    private static readonly PublishRefusal _idInUse = new(ReasonCode.ImplementationSpecificError, "id already used", "id_used");

    /// <summary>Its id stands for something else.</summary>
    public static ActResult IdInUse { get; } = new(_idInUse);

    private static readonly PublishRefusal _conflict =
        new(ReasonCode.QuotaExceeded, "It was changed by somebody else just now. Try again.", "conflict", 1);

    /// <summary>What it was conditional on is not so any more.</summary>
    public static ActResult ConflictOfRecords { get; } = new(_conflict);

    /// <summary>Stands for no refusal: an id that is known is answered before it.</summary>
    public static PublishRefusal NothingToChange { get; } = new(ReasonCode.Success, "", "");

    /// <summary>Of what was not even given to the log.</summary>
    public static ActResult Of(PublishRefusal? ruling) => new(ReferenceEquals(ruling, NothingToChange) ? null : ruling);

    /// <summary>Once the log has decided.</summary>
    public static ActResult Of(PendingAct act) => act.Outcome switch
    {
        AppendOutcome.Stored => new ActResult(null, act.Seq, act.Epoch),
        AppendOutcome.Duplicate => new ActResult(null, act.Seq, act.Epoch, IsRepeated: true),
        AppendOutcome.IdInUse => IdInUse,
        AppendOutcome.RightEnded => new ActResult(PublishRefusal.NoSuchRoom),
        AppendOutcome.RuledOut => Of(act.Ruling),
        AppendOutcome.Conflict => ConflictOfRecords,
        _ => new ActResult(PublishRefusal.NoRoom),
    };
}
