using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Streams;

namespace WebMessenger.Broker.Rooms;

/// <summary>Who is in one room, and what is said of their coming and going: in the log, on `presence/{user}`, and on `people`.</summary>
/// <remarks>Guarded by the room's gate, but for <see cref="ToldPeople"/>.</remarks>
/// <param name="here">What other nodes are told and tell; null, or alone: there are none.</param>
internal sealed partial class RoomPeople(Room room, StorageQuotas quotas, DiskSpace space, TimeProvider time, HereRecords? here = null)
{
    /// <summary>With so many here joins and leaves are one event a second.</summary>
    private const int CrowdFrom = 200;

    private readonly RoomPresence _presence = new();
    private readonly Announcements _announcements = new();
    private readonly PresenceWords _words = new();
    private readonly WidePresence _wide = new();
    private PeopleChanges? _changes;
    private RoomCapacity? _capacity;
    private SharedPresence? _shared;
    private int _presenceListeners;
    private int _wideListeners;
    private int _unnamed;

    // As the second began: a rush that makes the crowd names everybody still.
    private bool _isCrowd;
    private volatile bool _arePeopleOwed;
    private List<IStreamTask>? _later;

    /// <summary>The room's worker's.</summary>
    public ToldPeople Told { get; } = new(room, time);

    public int Count => _presence.Count;

    public bool HasChanged { get; private set; }

    /// <summary>
    /// So many came or went without a name in the log that who is here has to be noted anew, or a crash would forget them.
    /// </summary>
    public bool AreManyUnnamed => _unnamed >= Math.Max(CrowdFrom / 2, _presence.Count / 10);

    // Most rooms are for as many as come.
    private RoomCapacity Capacity => _capacity ??= new RoomCapacity(room, _presence);

    private PeopleChanges Changes => _changes ??= new PeopleChanges(_presence);

    private SharedPresence? Shared => here is { IsAlone: false } ? _shared ??= new SharedPresence(room, _presence, here) : null;

    /// <summary>A client's place has changed.</summary>
    public void Place(Subscriber? before, Subscriber? now)
    {
        _presenceListeners += Step(before?.WantsPresence, now?.WantsPresence);
        _wideListeners += Step(before?.WantsAllPresence, now?.WantsAllPresence);
        ForgetWhatNobodyHears();
        if (before?.People is not null || now?.People is not null)
        {
            if (Changes.Listen(before?.People is not null, now?.People is not null))
            {
                Told.ForgetList();
            }
        }
    }

    /// <summary>Whether the account is here, or may be: the room is not full.</summary>
    public bool HasPlaceFor(Account account) => room.Record.Policy.Capacity <= 0 || Capacity.HasPlaceFor(account);

    /// <summary>A client waits until somebody has left, or waits no more.</summary>
    public void Wait(IMember member, bool waits)
    {
        if (waits)
        {
            Capacity.Wait(member);
        }
        else
        {
            _capacity?.EndWait(member);
        }
    }

    /// <summary>Nobody is here or listens any more.</summary>
    public void Clear()
    {
        _presence.Clear();
        _shared?.Clear();
        _capacity?.Clear();
        _changes?.ForgetListeners();
        (_presenceListeners, _wideListeners) = (0, 0);
        ForgetWhatNobodyHears();
    }

    /// <summary>An account sends a message. Who speaks is of use where not everybody is named.</summary>
    public void Spoke(string accountId)
    {
        if (_presence.Count >= CrowdFrom)
        {
            Changes.Spoke(accountId);
        }
    }

    public void Arrived(Account account, string kind)
    {
        if (_presence.Arrived(account, kind, time.GetUtcNow()) is not { } present)
        {
            return;
        }

        Shared?.Arrived(present);
        if (!present.IsElsewhere)
        {
            Came(present);
        }

        SayJoin(present);
    }

    public void Left(string accountId, bool atOnce)
    {
        if (_presence.Left(accountId, atOnce, time.GetUtcNow()) is { } present)
        {
            SayLeave(present);
        }
    }

    /// <summary>Says leave for an account that is in its grace time.</summary>
    public void EndGrace(string accountId)
    {
        if (_presence.Find(accountId) is not { Clients: 0 } present)
        {
            return;
        }

        if (present.IsHere)
        {
            _presence.TakeOut(present);
            SayLeave(present);
        }

        if (Shared?.EndOfDead(present) is not null)
        {
            Went(present);
            SayGone(present);
        }
    }

    public void ExpectBack(Account account, string kind, DateTimeOffset since) =>
        _presence.ExpectBack(account, kind, since, time.GetUtcNow());

    /// <summary>Shows a present account under its new names.</summary>
    public void Rename(Account account)
    {
        if (_presence.Find(account.Id) is not { } present)
        {
            return;
        }

        var before = present.ShownAs;
        present.ShownAs = Author.Of(account, before.Kind);
        PresenceWord word = new(present.ShownAs.User, present.ShownAs, present.Since);
        if (before.User != word.User && !TryShow(new PresenceWord(before.User, null, default)))
        {
            // Or the account would be here twice for a second.
            _words.Wait(word);
            _changes?.Changed(word);
            return;
        }

        TryShow(word);
    }

    /// <summary>About once a second: says leave for those whose grace time is over, and what was gathered.</summary>
    /// <returns>The accounts that have waited, for whom there is a place by now.</returns>
    public IReadOnlyList<string> Sweep()
    {
        foreach (var gone in _presence.RemoveGone(time.GetUtcNow()))
        {
            SayLeave(gone);
        }

        if (Shared is { } shared)
        {
            Sweep(shared);
        }

        foreach (var due in _announcements.EndOfSecond(_isCrowd))
        {
            Say(due);
        }

        _isCrowd = _presence.Count >= CrowdFrom;

        foreach (var word in _words.EndOfSecond())
        {
            Show(word);
        }

        foreach (var word in _wide.EndOfSecond(_wideListeners))
        {
            room.Enqueue(new PresenceChange(room, word, PresenceReach.Wide));
        }

        _later?.ForEach(room.Enqueue);
        _later = null;
        var news = _changes?.EndOfSecond(room.OwnerId);
        if (news is not null || _arePeopleOwed)
        {
            _arePeopleOwed = false;
            room.Enqueue(new PeopleTurn(news));
        }

        return Shared is null ? _capacity?.EndOfSecond() ?? [] : [.. EndOfTooMany(Shared), .. _capacity?.EndOfSecond() ?? []];
    }

    /// <summary>For the worker: somebody did not take all of `people`, and it is tried again in the next second.</summary>
    public void AreOwed() => _arePeopleOwed = true;

    /// <summary>A list of people goes on in the next second.</summary>
    public void Later(IStreamTask replay) => (_later ??= []).Add(replay);

    /// <summary>The change of <see cref="Count"/> is said.</summary>
    public void CountSaid() => HasChanged = false;

    /// <summary>
    /// Who is here by what was said so far, in the log or on its way there. A coming or going that is still to be said does not count yet.
    /// </summary>
    public List<PresentNote> Noted()
    {
        _unnamed = 0;
        return
        [
            .. _presence.Everybody.Where(present => !_announcements.IsUnsaid(EventType.Join, present.Account.Id))
                .Select(present => new PresentNote(present.Account.Id, present.ShownAs.Kind, present.Since)),
            .. _announcements.UnsaidLeaves.Select(leave => new PresentNote(leave.Author.AccountId, leave.Author.Kind, leave.Since)),
        ];
    }

    public IEnumerable<PresentAccount> Everybody => _presence.Everybody;

    public PresentAccount? Find(string accountId) => _presence.Find(accountId);

    /// <summary>Whom `people` names to somebody who begins to listen.</summary>
    public List<PresenceWord> Named() => Changes.Named(room.OwnerId);

    private static int Step(bool? before, bool? now) => (now == true ? 1 : 0) - (before == true ? 1 : 0);

    private void ForgetWhatNobodyHears()
    {
        if (_presenceListeners == 0)
        {
            _words.Forget();
        }

        if (_wideListeners == 0)
        {
            _wide.Forget();
        }
    }

    private void SayLeave(PresentAccount present)
    {
        Shared?.Left(present);
        if (!present.IsElsewhere)
        {
            Went(present);
        }

        SayGone(present);
    }

    private void Came(PresentAccount present)
    {
        TryShow(new PresenceWord(present.ShownAs.User, present.ShownAs, present.Since));
        HasChanged = true;
    }

    private void Went(PresentAccount present)
    {
        _capacity?.Left();
        TryShow(new PresenceWord(present.ShownAs.User, null, default));
        HasChanged = true;
    }

    // With several nodes the log is asked whether it is due.
    private void SayJoin(PresentAccount present)
    {
        if (_announcements.MaySayNow(EventType.Join, present.ShownAs, isCrowd: _isCrowd))
        {
            Say(new Announcement(EventType.Join, present.ShownAs, [], 0), quotas.Of(present.Account));
        }
    }

    private void SayGone(PresentAccount present)
    {
        if (_announcements.MaySayNow(EventType.Leave, present.ShownAs, present.Since, _isCrowd))
        {
            Say(new Announcement(EventType.Leave, present.ShownAs, [], 0), quotas.Of(present.Account));
        }
    }

    // False: on `presence/{user}` it is said at the end of the second.
    private bool TryShow(in PresenceWord word)
    {
        _changes?.Changed(word);

        // Where nobody listens there is nothing to gather: who comes later is shown what is true by then.
        var isNow = _presenceListeners == 0 || _words.MaySayNow(word);
        if (isNow)
        {
            Show(word);
        }

        return isNow;
    }

    private void Show(in PresenceWord word)
    {
        if (_presenceListeners == 0)
        {
            return;
        }

        var isForAll = _wideListeners == 0 || _wide.MaySayNow(word, _wideListeners);
        room.Enqueue(new PresenceChange(room, word, isForAll ? PresenceReach.All : PresenceReach.Named));
    }

    private void Say(Announcement due) => Say(due, due.Others.Length == 0 ? quotas.Find(due.First.AccountId) : null);

    private void Say(Announcement said, StorageQuota? payer)
    {
        _unnamed += said.More;
        room.TryAppend(new PendingAnnouncement(room, said, payer, space, Shared) { Changes = Shared?.ChangesOf(said) ?? [] });
    }
}
