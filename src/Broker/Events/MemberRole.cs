namespace WebMessenger.Broker.Events;

/// <summary>What somebody on a room's list may do there beside speaking; the number is what is stored and must never change. Who has
/// more, ranks higher.</summary>
internal enum MemberRole : byte
{
    Member = 1,
    Moderator = 2,

    /// <summary>At most one in each room. Who has it keeps it when he leaves the list of a public room.</summary>
    Owner = 3,
}

internal static class MemberRoles
{
    /// <summary>As protocol and HTTP call it.</summary>
    public static string NameOf(MemberRole role) => role switch
    {
        MemberRole.Owner => "owner",
        MemberRole.Moderator => "moderator",
        _ => "member",
    };

    public static MemberRole? Parse(string? name) => name switch
    {
        "owner" => MemberRole.Owner,
        "moderator" => MemberRole.Moderator,
        "member" => MemberRole.Member,
        _ => null,
    };
}
