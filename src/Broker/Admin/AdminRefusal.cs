using WebMessenger.Auth.Outcomes;
using WebMessenger.Broker.Wire;

namespace WebMessenger.Broker.Admin;

/// <summary>Why something was not done that an administrator or the operator has asked for.</summary>
/// <param name="Code">Stable, for programs and pages.</param>
/// <param name="Detail">What to do, in one line.</param>
internal sealed record AdminRefusal(string Code, string Detail)
{
    /// <summary>Null: it is none of a password or a field.</summary>
    public Refusal? OfAuth { get; private init; }

    /// <summary>Null: it is none of a room.</summary>
    public PublishRefusal? OfRoom { get; private init; }

    public static AdminRefusal NotInOffice { get; } =
        new("not_allowed", "Only administrators of the server can do this.");

    public static AdminRefusal NoSuchAccount { get; } = new("no_such_account", "There is no account with this user name.");

    public static AdminRefusal NoSuchRoom { get; } = new("no_such_room", "There is no such room.");

    public static AdminRefusal IsAdministrator { get; } = new(
        "is_administrator", "Nothing is done to another administrator. The operator of the machine can take that rank away first.");

    public static AdminRefusal AlreadyBanned { get; } = new("already_banned", "This account is banned already. Lift the ban first.");

    public static AdminRefusal NotBanned { get; } = new("not_banned", "This account is not banned.");

    public static AdminRefusal IsBanned { get; } = new("is_banned", "This account is banned. Lift the ban first.");

    public static AdminRefusal IsGuest { get; } = new("not_for_guests", "Guests have no password, and cannot be administrators.");

    public static AdminRefusal LastAdministrator { get; } =
        new("last_administrator", "This is the only administrator. Make another one first.");

    public static AdminRefusal ProofNeeded { get; } = new("proof_needed", "Give your own password again.");

    public static AdminRefusal Of(Refusal refusal) => new("", refusal is Refusal.Fields { Errors: [var first, ..] } ? first.Message : "It is refused.") { OfAuth = refusal };

    public static AdminRefusal Of(PublishRefusal refusal) => new(refusal.Notice ?? "not_allowed", refusal.Reason) { OfRoom = refusal };

    public static AdminRefusal Field(string field, string code, string message) => Of(new Refusal.Fields(field, code, message));
}

/// <summary>What was asked for, or why there is none of it.</summary>
internal readonly record struct AdminOutcome<T>(T? Done, AdminRefusal? Refused = null)
    where T : class
{
    public static implicit operator AdminOutcome<T>(T done) => new(done);

    public static implicit operator AdminOutcome<T>(AdminRefusal refused) => new(null, refused);
}
