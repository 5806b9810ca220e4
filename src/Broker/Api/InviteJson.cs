using System.Text.Json;
using System.Text.Json.Serialization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Invites;

namespace WebMessenger.Broker.Api;

/// <param name="Minutes">1 to 43,200; a week if left out.</param>
/// <param name="Uses">1 to 1,000; 0, and left out: as many as come until its end.</param>
internal sealed record NewInvite(int? Minutes, int? Uses);

/// <summary>What is told this once: <paramref name="Path"/> is behind the host, and has the secret.</summary>
internal sealed record MadeInvite(string Id, string Path, string ExpiresAt, int Uses);

internal sealed record InviteList(InviteLinkView[] Invites);

/// <param name="By">Null: of an account that is no more.</param>
/// <param name="Uses">0: as many as come.</param>
/// <param name="Left">How many more come in by it; left out where there is no end to it.</param>
internal sealed record InviteLinkView(
    string Id,
    InviterView? By,
    string At,
    string ExpiresAt,
    int Uses,
    [property: JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)] int? Left)
{
    public static InviteLinkView Of(InviteLink link, Account? by) => new(
        link.Id, by is null ? null : InviterView.Of(by), Timestamps.Format(link.At), Timestamps.Format(link.Until), link.Uses, link.Left);
}

/// <summary>The end of a link's address, behind `/i#`.</summary>
internal sealed record InviteSecret(string? Secret);

/// <summary>What who has a link is told before he comes in.</summary>
/// <param name="People">Accounts present now.</param>
internal sealed record InviteView(string Room, string Title, string Topic, int People, InviterView By, string Visibility)
{
    public static InviteView Of(FoundInvite found) => new(
        found.Room.Id.Value, found.Room.Record.Title, found.Room.Record.Topic, found.Room.People, InviterView.Of(found.By), found.Room.Record.Visibility);
}

/// <summary>Where the caller is in by now.</summary>
internal sealed record EnteredRoom(string Room);

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(NewInvite))]
[JsonSerializable(typeof(MadeInvite))]
[JsonSerializable(typeof(InviteList))]
[JsonSerializable(typeof(InviteSecret))]
[JsonSerializable(typeof(InviteView))]
[JsonSerializable(typeof(EnteredRoom))]
internal sealed partial class InviteJson : JsonSerializerContext;
