using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Rooms;

/// <summary>Who asks to be let into which room, on disk (ADR 0077).</summary>
/// <remarks>
/// Nothing is in memory. Thread-safe; whoever changes what one account asks for has the turn of that account, and shares that of the room.
/// Calls that write fail with <see cref="RecordsNotWrittenException"/>.
/// </remarks>
internal sealed class JoinRequestStore(IRecords records, TimeProvider time) : IRoomRecords
{
    private const int PerPage = 250;

    /// <summary>What an account asks for, or was declined lately; null: nothing. Reads the disk.</summary>
    public JoinRequest? Find(string room, string account) =>
        records.Find(JoinRequest.Key(room, account)) is { } value
        && JoinRequest.Read(JoinRequest.Key(room, account), value) is { } found
        && !IsOver(found) ? found : null;

    /// <summary>All that wait for an answer, by account id. Reads the disk.</summary>
    public IReadOnlyList<JoinRequest> OpenOf(string room) =>
    [
        .. records.ReadAll(JoinRequest.PrefixOf(room)).Select(one => JoinRequest.Read(one.Key, one.Value)).OfType<JoinRequest>()
            .Where(one => one.DeclinedAt is null && !IsOver(one)),
    ];

    public Task PutAsync(JoinRequest request) =>
        records.WriteAsync([new(request.Key(), request.Value()), MakerIndex.Made(request.Account, request.Key())]);

    /// <summary>What is to be written when it ends by what is written beside.</summary>
    public static RecordChange[] RemovalsOf(JoinRequest request) => RemovalsOf(request.Room, request.Account);

    /// <summary>The account is in, or is not to come in. Nothing is written where it has not asked.</summary>
    public async Task EndAsync(string room, string account)
    {
        if (records.Find(JoinRequest.Key(room, account)) is not null)
        {
            await records.WriteAsync(RemovalsOf(room, account));
        }
    }

    /// <summary>The room is no more, or takes no requests.</summary>
    public Task ForgetRoomAsync(string roomKey) => records.WriteInPartsAsync(
        records.ReadAll(JoinRequest.PrefixOf(roomKey)).SelectMany(one => RemovalsOf(roomKey, AccountIn(one.Key))));

    /// <summary>An account was erased. In its turn.</summary>
    public Task ForgetAccountAsync(string account) => records.WriteInPartsAsync(
        MakerIndex.MadeBy(records, account, JoinRequest.Prefix).SelectMany(made => RemovalsOf(made.RoomKey, account)));

    /// <summary>Removes what is over, of all rooms.</summary>
    /// <exception cref="IOException">It cannot be read or written.</exception>
    public async Task SweepAsync(CancellationToken cancellation)
    {
        IReadOnlyList<KeyValuePair<byte[], byte[]>> page;
        byte[] last = [];
        do
        {
            cancellation.ThrowIfCancellationRequested();
            page = records.ReadPage(JoinRequest.Prefix, last, PerPage);
            foreach (var (key, value) in page)
            {
                last = key;
                if (JoinRequest.Read(key, value) is { } request && IsOver(request))
                {
                    // As it was read: who asks anew in this moment is not forgotten.
                    await records.WriteAsync(RemovalsOf(request), [new RecordCondition(key, value)]);
                }
            }
        }
        while (page.Count == PerPage);
    }

    private static RecordChange[] RemovalsOf(string room, string account) =>
        [new(JoinRequest.Key(room, account), null), MakerIndex.Gone(account, JoinRequest.Key(room, account))];

    private static string AccountIn(byte[] key) => MembershipRecord.SecondOf(key);

    private bool IsOver(JoinRequest request) => time.GetUtcNow() >= request.Until;
}
