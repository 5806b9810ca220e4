extern alias server;

using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using server::WebMessenger.Broker.Events;
using server::WebMessenger.Broker.MqttSessions;
using server::WebMessenger.Broker.Rooms;
using server::WebMessenger.Broker.Settings;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Secrets;
using WebMessenger.Auth.Sessions;
using WebMessenger.Load.Search;
using WebMessenger.Load.Servers;
using WebMessenger.Storage.Documents;
using WebMessenger.Storage.EventLog;
using RoomId = server::WebMessenger.Broker.Topics.RoomId;

namespace WebMessenger.Load.BigData;

/// <summary>Makes a data folder of some size, by the server's own stores: so it is always as the server would have written it.</summary>
internal sealed class BigDataFolder : IAsyncDisposable
{
    private const string MadeFile = "made.json";
    private const int AtOnce = 2_000;
    private const int EventsAtOnce = 16_384;

    // As people talk. The log keeps the heads of fewer rooms in memory than there are here, so one in each by turns would read them all.
    private const int InARow = 64;

    private readonly BigDataSize _size;
    private readonly DateTimeOffset _now = TimeProvider.System.GetUtcNow();
    private readonly DocumentStore _documents;
    private readonly RocksEventLog _log;
    private readonly string[] _keys;

    private BigDataFolder(string folder, BigDataSize size)
    {
        _size = size;
        _keys = new string[size.Rooms];
        _documents = DocumentStore.Open(DataFolder.AccountsFileIn(folder));
        _log = RocksEventLog.Open(
            DataFolder.RoomsFolderIn(folder),
            new RocksEventLogOptions { BatchCount = EventsAtOnce },
            TimeProvider.System,
            NullLogger<RocksEventLog>.Instance);
    }

    /// <summary>Makes it, unless it is there in this size.</summary>
    public static async Task MakeAsync(string folder, BigDataSize size, CancellationToken cancellation)
    {
        var made = Path.Combine(folder, MadeFile);
        if (File.Exists(made))
        {
            if (JsonSerializer.Deserialize<BigDataSize>(await File.ReadAllTextAsync(made, cancellation)) != size)
            {
                throw new LoadException($"{folder} has data of another size. Name another folder, or delete it.");
            }

            return;
        }

        if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
        {
            throw new LoadException($"{folder} is not empty, and this program has not finished it. Name another folder, or delete it.");
        }

        DataStores.CreateFolder(folder);
        await using (BigDataFolder making = new(folder, size))
        {
            await making.FillAsync(await AccountSeed.HashAsync(cancellation), cancellation);
        }

        await File.WriteAllTextAsync(made, JsonSerializer.Serialize(size), cancellation);
    }

    public async ValueTask DisposeAsync()
    {
        await _log.DisposeAsync();
        await _documents.DisposeAsync();
    }

    private async Task FillAsync(string password, CancellationToken cancellation)
    {
        var hash = PasswordHash.Parse(password);
        AccountStore accounts = new(_documents.Documents);
        await EachAsync("accounts", _size.Accounts, account => AddAsync(accounts, account, hash), cancellation);
        await EachAsync("access tokens", _size.Accounts, WriteTokenAsync, cancellation);
        RoomStore rooms = new(_documents.Documents);
        await EachAsync("rooms", _size.Rooms, room => AddAsync(rooms, room), cancellation);
        MembershipStore memberships = new(_log, NullLogger<MembershipStore>.Instance);
        await EachAsync("accounts with their memberships", _size.Accounts, account => JoinAsync(memberships, account), cancellation);
        await EachAsync("kept clients", _size.Kept, KeepAsync, cancellation);
        await EachAsync("batches of events", (int)((_size.Events + EventsAtOnce - 1) / EventsAtOnce), SayAsync, cancellation, atOnce: 2);
    }

    private static async Task EachAsync(string what, int count, Func<int, Task> make, CancellationToken cancellation, int atOnce = AtOnce)
    {
        var watch = Stopwatch.StartNew();
        for (var done = 0; done < count;)
        {
            cancellation.ThrowIfCancellationRequested();
            var next = Math.Min(count, done + atOnce);
            await Task.WhenAll(Enumerable.Range(done, next - done).Select(make));
            done = next;
            await Console.Error.WriteAsync($"\r{done:N0} of {count:N0} {what}, {watch.Elapsed.TotalSeconds:F0} s ");
        }

        await Console.Error.WriteLineAsync();
    }

    // The first is the administrator, as a first account is.
    private async Task AddAsync(AccountStore store, int account, PasswordHash password)
    {
        var name = BigDataSize.UserName(account);
        Profile profile = new(name, name, name + "@example.org", IsAdministrator: account == 0);
        AccountRecord record = new(BigDataSize.AccountId(account), AccountKind.Person, _now, profile, password);
        if ((await store.AddAsync(record, Conflicts.None)).Conflicts != Conflicts.None)
        {
            throw new LoadException($"The account {name} could not be made.");
        }
    }

    private Task WriteTokenAsync(int account)
    {
        SessionRecord record = new(
            TokenId(account), BigDataSize.AccountId(account), LoginSessionKind.Token, SecretHash.Of(BigDataSize.Login(account).Secret),
            new Scope(null, Verbs.Everything), CreatedAt: _now, LastSeen: _now, ExpiresAt: null, Device: "load", Address: null);
        return _log.WriteAsync([new(record.Key, record.Write())]);
    }

    private async Task AddAsync(RoomStore store, int room)
    {
        var id = RoomId.TryParse(BigDataSize.RoomId(room), out var parsed) ? parsed : throw new LoadException("Not a room's id.");
        RoomRecord record = new(RoomStore.NewKey(), id, id.Value, "", new PolicyFields(), null, _now);
        if (await store.CreateAsync(record) is not null)
        {
            throw new LoadException($"The room {id} could not be made.");
        }

        _keys[room] = record.Key;
    }

    private Task JoinAsync(MembershipStore store, int account) => store.PutAllAsync(
        [.. _size.RoomsOf(account).Select(room => new StoredMembership(_keys[room], BigDataSize.AccountId(account), MembershipRecord.Begin(MemberRole.Member, _now)))]);

    private Task KeepAsync(int account)
    {
        var (accountId, clientId) = (BigDataSize.AccountId(account), "kept");
        ClientRecord client = new(
            new LoginSessionNote(TokenId(account), "", _now, _now, null),
            DurableClients.MaximumExpiry,
            LeftAt: _now,
            [new FilterRecord("rooms/+", 1, false, false, default, 0)]);
        var cursors = _size.RoomsOf(account).ToDictionary(room => LogName.OfRoom(_keys[room]), _ => new LogCursor("", 0));
        DurablePosition position = new(cursors, [], new Dictionary<ushort, ulong>());
        return _log.WriteAsync(
        [
            new(DurableRecords.ClientKey(accountId, clientId), DurableRecords.Write(client)),
            new(DurableRecords.PositionKey(accountId, clientId), DurableRecords.Write(position)),
        ]);
    }

    // One batch of the log, of some messages in a row in each of many rooms.
    private Task SayAsync(int batch)
    {
        var first = (long)batch * EventsAtOnce;
        var count = (int)Math.Min(EventsAtOnce, _size.Events - first);
        var events = new Said[count];
        for (var i = 0; i < count; i++)
        {
            var number = first + i;
            var account = (int)(number % _size.Accounts);
            Author author = new(BigDataSize.AccountId(account), BigDataSize.UserName(account), BigDataSize.UserName(account), "person");
            var id = EventBody.NewId();
            var text = _size.IsSpoken ? SpokenText.Of(number) : $"message {number:N0} of the many that lie here, as long as what people write on a usual day";
            var body = EventBody.Message(EventType.Message, author, id, text, replyTo: null);
            events[i] = new Said(LogName.OfRoom(_keys[number / InARow % _size.Rooms]), author.AccountId, id, body)
            {
                SaidAt = _size.DaysAgo == 0 ? null : _now.AddDays(-_size.DaysAgo),
            };
            _log.Append(events[i], moreFollows: true);
        }

        _log.Wake();
        return Task.WhenAll(events.Select(said => said.Stored));
    }

    private static string TokenId(int account) => "t" + BigDataSize.AccountId(account);

    private sealed class Said(LogName log, string author, string id, byte[] body) : PendingAppend(log, author, id, 0, body)
    {
        private readonly TaskCompletionSource _stored = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Stored => _stored.Task;

        protected override void Completed()
        {
            if (Outcome == AppendOutcome.Stored)
            {
                _stored.SetResult();
            }
            else
            {
                _stored.SetException(new LoadException($"An event could not be stored: {Outcome}."));
            }
        }
    }
}
