using System.Buffers;
using System.Text;
using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;
using WebMessenger.Storage.Nodes;

namespace WebMessenger.Broker.Rooms;

/// <summary>A room while the program runs: its members, who is here, and the stream of its events.</summary>
/// <remarks>The gate of <see cref="EventStream"/> also guards presence. All that members are told goes through its queue.</remarks>
internal sealed partial class Room : EventStream, ISpokenWay
{
    private readonly MemberList _members = new();
    private readonly RoomPeople _people;
    private readonly DeliveryTimes? _times;
    private volatile RoomRecord _record;
    private volatile string? _ownerId;
    private volatile bool _isDeleted;
    private volatile IRoomWatch? _watched;
    private volatile SearchedRoom? _searched;

    /// <param name="times">How long its events are on their way; null: nobody wants to know.</param>
    public Room(RoomRecord record, IEventLog log, StorageQuotas quotas, DiskSpace space, TimeProvider time, DeliveryTimes? times = null, GuestAddresses? addresses = null, HereRecords? here = null, ITurns? nodeTurns = null)
        : base(record.Log, log)
    {
        (_record, _times) = (record, times);
        _people = new RoomPeople(this, quotas, space, time, here);
        Turns = Turns.Of(nodeTurns, "room/", record.Key);
        SlowMode = new SlowMode(time);
        Guard = new RoomGuard(time);
        Restraints = new RoomRestraints(time);
        AddressBans = new RoomAddressBans(record.Key, addresses, time);
        Activity = new RoomActivity(record.Log, log, time);
        var topic = "rooms/" + record.Id.Value;
        EventsTopic = Encoding.ASCII.GetBytes(topic);
        TextTopic = Encoding.ASCII.GetBytes(topic + "/text");
        TypingTopic = Encoding.ASCII.GetBytes(topic + "/typing");
        InfoTopic = Encoding.ASCII.GetBytes(topic + "/info");
        PeopleTopic = Encoding.ASCII.GetBytes(topic + "/people");
        IdBytes = Encoding.ASCII.GetBytes(record.Id.Value);
    }

    public RoomId Id => _record.Id;

    /// <summary>Names it in all that is stored, see <see cref="RoomRecord"/>.</summary>
    public string Key => _record.Key;

    public byte[] IdBytes { get; }

    public override byte[] EventsTopic { get; }

    protected override TopicKind Kind => TopicKind.Events;

    public byte[] TextTopic { get; }

    public byte[] TypingTopic { get; }

    public byte[] InfoTopic { get; }

    public byte[] PeopleTopic { get; }

    /// <summary>What was said on <see cref="PeopleTopic"/>; for the worker.</summary>
    public ToldPeople ToldPeople => _people.Told;

    public RoomRecord Record => _record;

    /// <summary>What is looked through when somebody looks for a room.</summary>
    public SearchedRoom Searched => _searched = SearchedRoom.Of(_record, _searched);

    public bool IsDeleted => _isDeleted;

    /// <summary>Who comes and goes shares it; who changes the room, or somebody's role there, is alone with it.</summary>
    public Turns Turns { get; }

    /// <summary>When everybody was called last.</summary>
    public EveryoneCalls EveryoneCalls { get; } = new();

    public SlowMode SlowMode { get; }

    public RoomGuard Guard { get; }

    public PinsKnown PinsKnown { get; } = new();

    public RoomRestraints Restraints { get; }

    public RoomAddressBans AddressBans { get; }

    public RoomActivity Activity { get; }

    /// <summary>Account id of who has the room, on its list or not; null: nobody, as the rooms that the settings make.</summary>
    public string? OwnerId => _ownerId;

    /// <summary>Who of its members listens to what is unread; null: nobody. Set by whoever tells them.</summary>
    public IRoomWatch? Watched
    {
        get => _watched;
        set => _watched = value;
    }

    /// <summary>The newest seq.</summary>
    public long Head => LogHead.Head;

    public IEnumerable<string> MemberIds => _members.All.Select(member => member.Key);

    /// <summary>The accounts on the list with their stays: a copy.</summary>
    public IEnumerable<KeyValuePair<string, Membership>> Members => _members.All;

    public int People
    {
        get
        {
            lock (Gate)
            {
                return _people.Count;
            }
        }
    }

    /// <summary>There are as many here as may be, and the account is not one of them.</summary>
    public bool IsFullFor(Account account)
    {
        lock (Gate)
        {
            return !_people.HasPlaceFor(account);
        }
    }

    public bool IsMember(string accountId) => _members.Find(accountId) is not null;

    /// <summary>The account's stay on the list; null: it is not on it.</summary>
    public Membership? MembershipOf(string accountId) => _members.Find(accountId);

    /// <summary>Puts an account on the list, on which it is not.</summary>
    public void AddMember(string accountId, Membership membership)
    {
        _members.Add(accountId, membership);
        if (membership.Role == MemberRole.Owner)
        {
            _ownerId = accountId;
        }
    }

    /// <summary>Somebody has the room from now on; null: nobody.</summary>
    public void BelongTo(string? accountId) => _ownerId = accountId;

    /// <summary>It is on disk like this by now. Never blocks: the log thread calls it, and <see cref="Changed"/> follows.</summary>
    public void Become(RoomRecord record) => _record = record;

    /// <summary>Tells everybody that it has changed, and ends places that nobody has a right to any more.</summary>
    public void Changed()
    {
        lock (Gate)
        {
            if (_record.IsPrivate)
            {
                // Whoever watches the info of a public room without being a member.
                foreach (var subscriber in Subscribers.ToArray())
                {
                    if (!IsMember(subscriber.Member.Account.Id))
                    {
                        Replace(subscriber.Member, null);
                    }
                }
            }

            PublishInfo();
        }
    }

    public override void Place(IMember member, HeldFilter[] filters, bool leavesAtOnce, CatchUpFrom? from = null)
    {
        var account = member.Account;
        lock (Gate)
        {
            if (!RoomPolicy.MayHear(this, account))
            {
                // Whoever may see a room may watch its info without being on the list.
                filters = RoomPolicy.MayWatch(this, account.Id) ? Array.FindAll(filters, filter => filter.Filter.IsInfoOnly) : [];
            }

            // By a wildcard, or in the same moment as somebody else: it hears what is said when somebody has left.
            var waits = Array.Exists(filters, filter => filter.Filter.Events || filter.Filter.TextLines) && !member.WasIn(Log) && !_people.HasPlaceFor(account);
            _people.Wait(member, waits);
            var subscriber = Subscriber.Of(member, this, filters, waits);
            var old = Put(member, subscriber, from);
            _people.Place(old, subscriber);
            var wasPresent = old?.CountsAsPresent == true;
            var isPresent = subscriber?.CountsAsPresent == true;
            if (isPresent && !wasPresent)
            {
                _people.Arrived(account, member.AuthorKind);
            }
            else if (wasPresent && !isPresent)
            {
                _people.Left(account.Id, leavesAtOnce);
            }
        }
    }

    /// <summary>Sends a connection what is retained of the topics that one of its filters matches.</summary>
    public void Replay(IMember member, HeldFilter filter)
    {
        if (filter.Filter.Presence || filter.Filter.Info)
        {
            Enqueue(new RetainedReplay(member, filter));
        }

        if (filter.Filter.People)
        {
            Enqueue(new PeopleReplay(member, filter));
        }
    }

    /// <summary>Takes an account off the list: nothing of that stay gets a number any more. Its connections are the caller's.</summary>
    public void RemoveMember(string accountId) => _members.Remove(accountId);

    /// <summary>Takes out everybody and everything; the room answers as if it had never been.</summary>
    public void Delete()
    {
        lock (Gate)
        {
            _isDeleted = true;
            _members.Clear();
            foreach (var subscriber in Subscribers.ToArray())
            {
                Replace(subscriber.Member, null);
            }

            _people.Clear();
        }
    }

    /// <summary>Shows a present account under its new names.</summary>
    public void Rename(Account account)
    {
        lock (Gate)
        {
            _people.Rename(account);
        }
    }

    IReadOnlyList<EventPointer> ISpokenWay.Pointers => [];

    IReadOnlyList<RecordChange> ISpokenWay.Index => [];

    // Once it is deleted, the next room of its name must not begin with it.
    public bool TryAppend(PendingAppend append, bool moreFollows = false)
    {
        lock (Gate)
        {
            if (_isDeleted)
            {
                return false;
            }

            if (append is PendingPublish)
            {
                _people.Spoke(append.Author);
            }

            Logs.Append(append, moreFollows);
            return true;
        }
    }

    /// <summary>Says leave for an account that is in its grace time.</summary>
    public void EndGrace(string accountId)
    {
        lock (Gate)
        {
            _people.EndGrace(accountId);
        }
    }

    public void ExpectBack(Account account, string kind, DateTimeOffset since)
    {
        lock (Gate)
        {
            _people.ExpectBack(account, kind, since);
        }
    }

    /// <summary>About once a second: says leave for those whose grace time is over, and what was gathered.</summary>
    /// <returns>The accounts whose clients are to be placed anew: they have waited, and there is a place for them by now.</returns>
    public IReadOnlyList<string> Sweep()
    {
        lock (Gate)
        {
            var called = _people.Sweep();
            if (_people.HasChanged)
            {
                PublishInfo();
            }

            return called;
        }
    }

    /// <summary>
    /// Who is here by what was said so far, in the log or on its way there. A coming or going that is still to be said does not count
    /// yet.
    /// </summary>
    public List<PresentNote> SaidPresence()
    {
        lock (Gate)
        {
            return _people.Noted();
        }
    }

    /// <summary>Who is here has to be noted anew: the log does not name enough of those who came and went.</summary>
    public bool AreManyUnnamed
    {
        get
        {
            lock (Gate)
            {
                return _people.AreManyUnnamed;
            }
        }
    }

    /// <summary>Whom <see cref="PeopleTopic"/> names, and how many are here; for the worker.</summary>
    public (List<PresenceWord> Named, int Count) NamedPeople()
    {
        lock (Gate)
        {
            return (_people.Named(), _people.Count);
        }
    }

    /// <summary>A client does not take more of the list that it is shown: it goes on in the next second; for the worker.</summary>
    public void ReplayLater(IStreamTask replay)
    {
        lock (Gate)
        {
            _people.Later(replay);
        }
    }

    /// <summary>Somebody did not take all of <see cref="PeopleTopic"/>; for the worker.</summary>
    public void PeopleAreOwed() => _people.AreOwed();

    /// <summary>The ids of the accounts present; for the worker.</summary>
    public ArraySegment<string> PresentAccounts()
    {
        lock (Gate)
        {
            return _people.Everybody.Select(present => present.Account.Id).ToArray();
        }
    }

    /// <summary>Those of these accounts who are present now, with since when; for the worker.</summary>
    public List<(Author Author, DateTimeOffset Since)> PresenceOf(ArraySegment<string> accountIds)
    {
        lock (Gate)
        {
            return [.. accountIds.Select(_people.Find).OfType<PresentAccount>().Select(present => (present.ShownAs, present.Since))];
        }
    }

    /// <summary>Everybody present; for HTTP.</summary>
    public List<PresentAccount> SnapshotPresence()
    {
        lock (Gate)
        {
            return [.. _people.Everybody];
        }
    }

    public override void WriteJson(IBufferWriter<byte> target, in LogEntry entry, string epoch, ReadOnlySpan<byte> more = default) =>
        EventBody.WriteJson(target, entry, epoch, "room"u8, IdBytes, more);

    public override ReadOnlyMemory<byte> MoreOf(in LogEntry entry) => QuoteIn(Log, entry);

    protected override void Grew()
    {
        Activity.Now();
        _watched?.Changed();
    }

    protected override void Told(DateTimeOffset first, int events) => _times?.Told(first, events, Subscribers.Length);

    public override void WritePlace(Utf8JsonWriter writer) => writer.WriteString("room"u8, IdBytes);

    public byte[] PresenceTopic(string user) => Encoding.ASCII.GetBytes("rooms/" + Id.Value + "/presence/" + user);

    private void PublishInfo()
    {
        _people.CountSaid();
        Enqueue(new InfoChange(this));
    }
}
