using WebMessenger.Broker.Events;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>
/// What one node of several knows of who is in a room: whom the others have, and who is here by the last word in the log.
/// </summary>
/// <remarks>
/// <para>Guarded by the room's gate. Alone there is none.</para>
/// <para>Each node that an account comes to or leaves offers a join or a leave to the log. Which of them is due is asked when it gets its
/// number, where memory has what other nodes wrote before: so two tabs on two nodes greet once, and the last one out says leave.</para>
/// </remarks>
internal sealed class SharedPresence(Room room, RoomPresence presence, HereRecords records)
{
    /// <summary>
    /// Whoever is gone for so long without a leave in the log, had it refused, or was with a node that died before it said it.
    /// </summary>
    private static readonly TimeSpan UnsaidFor = TimeSpan.FromSeconds(5);

    /// <summary>By then every node has heard of whoever came.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(3);

    // By account.
    private readonly Dictionary<string, PresentNote> _said = [];
    private readonly Dictionary<string, DateTimeOffset> _unsaid = [];

    /// <summary>The account has come to this node.</summary>
    public void Arrived(PresentAccount present) => records.Put(room, NoteOf(present));

    /// <summary>The account is with this node no more.</summary>
    public void Left(PresentAccount present) => records.Remove(room, present.Account.Id, records.Self);

    /// <summary>What was written of the account on this node was refused, or taken away: it is written as it is now.</summary>
    public void WriteAgain(string accountId)
    {
        if (presence.Find(accountId) is { IsHere: true } present)
        {
            Arrived(present);
        }
        else
        {
            records.Remove(room, accountId, records.Self);
        }
    }

    /// <summary>What is written with the event.</summary>
    public IReadOnlyList<RecordChange> ChangesOf(Announcement announcement) =>
        [.. announcement.Everybody.Select(author => new RecordChange(
            HereRecords.SaidKey(room.Key, author.AccountId),
            announcement.Type == EventType.Join ? HereRecords.ValueOf(NoteOf(author)) : null))];

    /// <summary>As the event gets its number. False: it is not due, at least of some whom it names.</summary>
    public bool TrySay(Announcement announcement)
    {
        if (!announcement.Everybody.All(author => IsDue(announcement.Type, author)))
        {
            return false;
        }

        Note(announcement, isSaid: announcement.Type == EventType.Join);
        return true;
    }

    /// <summary>The store did not take it.</summary>
    public void TakeBack(Announcement announcement) => Note(announcement, isSaid: announcement.Type != EventType.Join);

    /// <summary>Those of an announcement who are still to be named; null: nobody.</summary>
    public Announcement? StillDue(Announcement announcement)
    {
        var due = announcement.Everybody.Where(author => IsDue(announcement.Type, author)).ToList();
        return due.Count == 0 ? null : Announcements.Of(announcement.Type, due);
    }

    /// <summary>Another node has written it. Null: the last word is leave.</summary>
    public void HeardSaid(string accountId, PresentNote? note)
    {
        if (note is null)
        {
            _said.Remove(accountId);
        }
        else
        {
            _said[accountId] = note;
        }
    }

    /// <summary>
    /// Accounts whom a node that is no more had, and who have not come back within their grace time: they are nowhere now.
    /// </summary>
    public List<PresentAccount> EndOfDead(DateTimeOffset now)
    {
        List<PresentAccount> gone = [];
        foreach (var present in presence.Everybody.Where(present => present.IsElsewhere).ToList())
        {
            var nodes = present.Nodes!;
            foreach (var (node, goneAt) in nodes.ToList())
            {
                if (records.IsThere(node))
                {
                    nodes[node] = null;
                }
                else if (goneAt is null)
                {
                    nodes[node] = now + RoomPresence.Grace;
                }
                else if (goneAt <= now && (/* guard: one node says who went with a node */ records.IsMine))
                {
                    records.Remove(room, present.Account.Id, node);
                    if (presence.HeardGone(present.Account.Id, node) is not null)
                    {
                        gone.Add(present);
                    }
                }
            }
        }

        return gone;
    }

    /// <summary>Those of this node who came just now, while others took the last place of the room with other nodes.</summary>
    /// <param name="capacity">0: as many come in as want to.</param>
    public List<PresentAccount> TooMany(int capacity, DateTimeOffset now)
    {
        if (capacity <= 0 || presence.Count <= capacity)
        {
            return [];
        }

        // In one order on all nodes, whatever their clocks say. Who is here for longer stays, as where a room is for fewer from now on.
        var taken = presence.Everybody.Where(present => !RoomPolicy.IsHost(room, present.Account));
        return
        [
            .. taken.OrderBy(present => present.Since).ThenBy(present => present.Account.Id, StringComparer.Ordinal).Skip(capacity)
                .Where(present => present is { IsHere: true, IsElsewhere: false } && (/* guard: capacity of a room, of several nodes */ now - present.Since <= Late)),
        ];
    }

    /// <summary>An account was signed out: nobody waits for it with nodes that are no more.</summary>
    /// <returns>The entry when it is nowhere now.</returns>
    public PresentAccount? EndOfDead(PresentAccount present)
    {
        foreach (var node in present.Nodes?.Keys.Where(node => !records.IsThere(node)).ToList() ?? [])
        {
            records.Remove(room, present.Account.Id, node);
            if (presence.HeardGone(present.Account.Id, node) is { } gone)
            {
                return gone;
            }
        }

        return null;
    }

    /// <summary>Who has gone and of whom nobody has said so.</summary>
    public IEnumerable<Author> Unsaid(DateTimeOffset now)
    {
        if (!records.IsMine)
        {
            _unsaid.Clear();
            return [];
        }

        foreach (var accountId in _said.Keys.Where(account => presence.Find(account) is null))
        {
            _unsaid.TryAdd(accountId, now + UnsaidFor);
        }

        List<Author> due = [];
        foreach (var (accountId, since) in _unsaid)
        {
            if (!_said.TryGetValue(accountId, out var note) || presence.Find(accountId) is not null)
            {
                _unsaid.Remove(accountId);
            }
            else if (since <= now)
            {
                // Tried again as long as it is refused.
                _unsaid[accountId] = now + UnsaidFor;
                if (records.AccountOf(accountId) is { } account)
                {
                    due.Add(Author.Of(account, note.Kind));
                }
                else
                {
                    _said.Remove(accountId);
                    records.Forget(room, accountId);
                }
            }
        }

        return due;
    }

    /// <summary>Nobody is here any more.</summary>
    public void Clear()
    {
        _said.Clear();
        _unsaid.Clear();
    }

    private bool IsDue(EventType type, Author author) =>
        _said.ContainsKey(author.AccountId) != (type == EventType.Join) && presence.Find(author.AccountId) is not null == (type == EventType.Join);

    private void Note(Announcement announcement, bool isSaid)
    {
        foreach (var author in announcement.Everybody)
        {
            HeardSaid(author.AccountId, isSaid ? NoteOf(author) : null);
        }
    }

    private PresentNote NoteOf(Author author) =>
        new(author.AccountId, author.Kind, presence.Find(author.AccountId)?.Since ?? records.Now);

    private static PresentNote NoteOf(PresentAccount present) => new(present.Account.Id, present.ShownAs.Kind, present.Since);
}
