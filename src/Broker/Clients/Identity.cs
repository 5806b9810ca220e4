using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Clients;

/// <summary>
/// Who a client is, for all its parts. <see cref="Client"/> writes it:
/// the client id when CONNECT has come, the login session when the interceptor has let it in.
/// </summary>
/// <param name="name">Unique to this connection; what MQTTnet takes for the client id.</param>
internal sealed class Identity(string name)
{
    private LoginSession? _session;
    private Author? _author;

    public string Name { get; } = name;

    /// <summary>As the client sent it, or as it was assigned.</summary>
    public string ClientId { get; set; } = "";

    /// <summary>Null: not admitted.</summary>
    public LoginSession? Session => _session;

    public Account Account => (_session ?? throw new InvalidOperationException("The connection has not been admitted.")).Account;

    /// <summary>Id of the room whose data topics are its whole world; null: it has no mount.</summary>
    public string? Mount => _session?.Scope.Mount;

    /// <summary>It says of itself that it is a bridge: it hears nothing of its own, and retained values as such.</summary>
    public bool IsBridge { get; set; }

    /// <summary>Another node serves the client, and asks here for what it hears and says of devices alone.</summary>
    public bool IsRelayed { get; init; }

    /// <summary>What names its MQTT session within the account: the client id and, where it has one, the mount.</summary>
    public string SessionName => IsRelayed ? MqttSessions.SessionName.OfData(ClientId) : MqttSessions.SessionName.Of(Mount, ClientId);

    /// <summary>Tells this account's client, on whatever connection, from all others; see <see cref="RecentPublishers"/>.</summary>
    public ulong PublisherMark { get; private set; }

    /// <summary>`person`, `guest` or `bot`.</summary>
    public string AuthorKind => Author.KindOf(_session!);

    /// <summary>As whom this client speaks, under the names of this moment.</summary>
    public Author CurrentAuthor
    {
        get
        {
            var profile = Account.Profile;
            var author = _author;
            if (author is null || author.User != profile.UserName || author.Name != profile.DisplayName)
            {
                _author = author = Author.Of(_session!);
            }

            return author;
        }
    }

    /// <summary>Admitted as <paramref name="session"/>; null: not after all.</summary>
    public void Become(LoginSession? session)
    {
        _session = session;
        PublisherMark = session is null ? 0 : RecentPublishers.MarkOf(session.Account.Id, SessionName);
    }
}
