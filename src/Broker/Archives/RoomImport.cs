using System.Globalization;
using WebMessenger.Auth.Accounts;
using WebMessenger.Auth.Outcomes;
using WebMessenger.Auth.Sessions;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Limits;
using WebMessenger.Broker.Rooms;
using WebMessenger.Broker.Settings;
using WebMessenger.Broker.Topics;
using WebMessenger.Storage.EventLog;

namespace WebMessenger.Broker.Archives;

/// <summary>Who imports a file, and what of it counts.</summary>
/// <param name="Owner">Whose the room is; null: of who has it in the file, where he is an account here.</param>
/// <param name="By">Null: the operator does it, whom nothing bounds and who pays nothing.</param>
/// <param name="Id">Of the room; null: as in the file.</param>
/// <param name="MatchesAccounts">Whoever has the same user name here is the same, and on the list.</param>
internal sealed record ImportRequest(Account? Owner, LoginSession? By, string? Id = null, bool MatchesAccounts = false);

/// <summary>What came of it.</summary>
/// <param name="LeftOut">Events of which this server knows nothing, or that were about others which are not in the file.</param>
/// <param name="Missing">User names of who should be on the list, and could not be put there.</param>
internal sealed record ImportedRoom(Room Room, long Events, long LeftOut, int Pins, int Values, int Members, IReadOnlyList<string> Missing);

/// <summary>Makes a room of a file: all of it, or nothing.</summary>
/// <remarks>
/// What was said is stored under the key of a room that is not there yet. Then the room is made of it, by the write that makes every
/// room: so nobody ever finds half of one (<see cref="UnfinishedImports"/>).
/// By the operator's word others are put on its list, when it is there: who cannot be is told, and the room stays.
/// </remarks>
internal sealed class RoomImport(
    RoomMaking making,
    RoomDirectory rooms,
    AccountDirectory accounts,
    UnfinishedImports unfinished,
    IEventLog log,
    IRecords records,
    StorageQuotas quotas,
    DataQuotas dataQuotas,
    DiskSpace space,
    AuditPlaces audits,
    BrokerLimits limits,
    TimeProvider time)
{
    private const int EventsAtOnce = 250;

    /// <summary>Bytes that an event has on disk beside its body, at least.</summary>
    private const int LeastBesideBody = 20;

    /// <summary>So many ids are tried, where those before are taken.</summary>
    private const int Tries = 10;

    /// <param name="file">Can be sought in. Is closed.</param>
    /// <param name="told">How many events are stored by now.</param>
    /// <exception cref="ArchiveException">The file is not taken, or the room cannot be made; nothing is left of it.</exception>
    /// <exception cref="IOException">It could not be stored.</exception>
    public async Task<ImportedRoom> RunAsync(Stream file, ImportRequest asked, Action<long>? told, CancellationToken cancellation)
    {
        ArchiveBounds? bounds = asked.By is null ? null : new((long)limits.ImportUnpackedMegabytes << 20, limits.ImportEvents, limits.ImportBytesPerSecond);
        await using var archive = await ArchiveFile.OpenAsync(file, bounds, time, cancellation);
        var archived = await archive.ReadRoomAsync(cancellation);
        ImportedPeople people = new(asked.MatchesAccounts ? accounts : null);
        var members = await MembersAsync(archive, people, cancellation);
        var owner = asked.Owner ?? members.FirstOrDefault(member => member.Role == MemberRole.Owner).Account
            ?? throw new ArchiveException("Say whose the room is to be: who has it in the file is no account here.");
        var record = RecordOf(archived, owner);
        StoragePayer? payer = asked.By is { } by ? new StoragePayer(quotas.Of(by), space) : null;
        StoragePayer? dataPayer = asked.By is null ? null : new StoragePayer(dataQuotas.Of(asked.By), space);
        var (events, beside) = ReadersOf(asked, people, record);
        await CheckAsync(archive, events, beside, payer, dataPayer, cancellation);
        CheckId(record, asked);
        (events, beside) = ReadersOf(asked, people, record);
        Storing storing = new(log, records, payer, dataPayer, record.Log);
        await unfinished.BeginAsync(record.Key);
        Room? room = null;
        var isOurFault = true;
        try
        {
            var leftOut = await StoreAsync(archive, events, storing, told, cancellation);
            await storing.WriteAsync(beside.ReactionsAsync(archive, cancellation), ofData: false);
            await storing.WriteAsync(beside.PinsAsync(archive, cancellation), ofData: false);
            await storing.WriteAsync(beside.ValuesAsync(archive, isBounded: asked.By is not null, cancellation), ofData: true);
            await EndAsync(storing, archived, owner, events.Seqs.Next - 1);
            await NoteAsync(record, asked.By);
            room = await MakeAsync(record, owner, asked);
            var missing = await JoinAsync(room, members, owner);
            await unfinished.DoneAsync(record.Key);
            return new ImportedRoom(room, events.Seqs.Next - 1, leftOut, beside.Pins, beside.Values, room.Members.Count(), missing);
        }
        catch (Exception error) when (error is ArchiveException or OperationCanceledException)
        {
            // The file, or who sent it and went away.
            isOurFault = false;
            throw;
        }
        finally
        {
            if (room is null)
            {
                await storing.EndAsync(isOurFault);
                await /* guard: a failed import leaves nothing */ unfinished.RemoveAsync(record.Key);
            }
        }
    }

    private (ImportedEvents Events, ImportedRecords Beside) ReadersOf(ImportRequest asked, ImportedPeople people, RoomRecord record)
    {
        ImportedEvents events = new(people, asked.By is null ? 0 : limits.TextLength, time.GetUtcNow());
        return (events, new ImportedRecords(people, events.Seqs, record, limits, time));
    }

    // All of it is read before anything is stored: what is wrong with its last line costs the disk nothing, nor what nobody could pay for.
    private static async Task CheckAsync(
        ArchiveFile archive, ImportedEvents events, ImportedRecords beside, StoragePayer? payer, StoragePayer? dataPayer, CancellationToken cancellation)
    {
        var bytes = 0L;
        await foreach (var line in archive.LinesAsync(ArchiveFormat.Events, ArchiveFile.LongestLine, cancellation))
        {
            bytes += events.Read(line) is { } one ? one.Body.Length + LeastBesideBody : 0;
        }

        bytes += await SizeAsync(beside.ReactionsAsync(archive, cancellation));
        bytes += await SizeAsync(beside.PinsAsync(archive, cancellation));
        var dataBytes = await SizeAsync(beside.ValuesAsync(archive, isBounded: payer is not null, cancellation));
        var wait = payer?.Quota.WaitFor(bytes) ?? TimeSpan.Zero;
        var dataWait = dataPayer?.Quota.WaitFor(dataBytes) ?? TimeSpan.Zero;
        if (/* guard: an import that is more than what is left of the day */ wait + dataWait > TimeSpan.Zero)
        {
            throw new ArchiveQuotaException(wait > dataWait ? wait : dataWait);
        }

        archive.ReadAgain();
    }

    private static async Task<long> SizeAsync(IAsyncEnumerable<RecordChange> changes)
    {
        var bytes = 0L;
        await foreach (var change in changes)
        {
            bytes += change.Key.Length + change.Value!.Length;
        }

        return bytes;
    }

    private void CheckId(RoomRecord record, ImportRequest asked)
    {
        if (Enumerable.Range(1, Tries).All(number => rooms.Find(IdOf(asked.Id ?? record.Id.Value, number)) is not null))
        {
            throw NoId();
        }
    }

    private RoomRecord RecordOf(ArchivedRoom archived, Account owner)
    {
        List<FieldError> errors = [];
        PolicyChanges said = new()
        {
            Title = archived.Title,
            Topic = archived.Topic,
            Visibility = archived.Policy.Visibility,
            Entry = archived.Policy.Entry,
            Guests = archived.Policy.Guests,
            Posting = archived.Policy.Posting,
            Data = new DataChanges(archived.Policy.Data.Read, archived.Policy.Data.Write),
            SlowMode = archived.Policy.SlowMode,
            Capacity = archived.Policy.Capacity,
            Retention = new RetentionChanges(archived.Policy.Retention.Days, archived.Policy.Retention.Messages),
            EditWindow = archived.Policy.EditWindow,
            History = archived.Policy.History,
            Guard = new GuardChanges(archived.Policy.Guard.NewcomerMinutes, archived.Policy.Guard.Repeats, archived.Policy.Guard.GuestsPerMinute),
            Tags = archived.Tags,
        };
        var words = said.Check(errors);
        if (errors.Count > 0 || !RoomId.TryParse(archived.Id, out var id))
        {
            throw new ArchiveException($"{ArchiveFormat.Room}: {(errors.Count > 0 ? errors[0].Message : "\"id\" is no room id.")}");
        }

        var made = ImportedEvents.TimeOf(archived.CreatedAt, time.GetUtcNow()) ?? time.GetUtcNow();

        // It begins anew: who imports an archived room has something to do there.
        var policy = archived.Policy with { Archived = false, QuietUntil = null };
        return new RoomRecord(RoomStore.NewKey(), id, words.Title!, words.Topic ?? "", policy, owner.Id, made) { Tags = RoomTags.Of(words.Tags ?? []) };
    }

    private static async Task<long> StoreAsync(
        ArchiveFile archive, ImportedEvents events, Storing storing, Action<long>? told, CancellationToken cancellation)
    {
        var leftOut = 0L;

        // By the seq of the edit, as in the file: the message, in the new room.
        Dictionary<long, long> edited = [];
        await foreach (var line in archive.LinesAsync(ArchiveFormat.Events, ArchiveFile.LongestLine, cancellation))
        {
            if (events.Read(line) is not { } one)
            {
                leftOut++;
                continue;
            }

            var seq = events.Seqs.Next - 1;
            if (one.EditedBy > one.Seq)
            {
                edited[one.EditedBy] = seq;
            }

            // So the history says again by which event a message was edited, and when.
            await storing.AppendAsync(one, one.Type == EventType.Edit && edited.Remove(one.Seq, out var message) && message == one.Of ? message : 0);
            if (seq % EventsAtOnce == 0)
            {
                await storing.FlushAsync();
                told?.Invoke(seq);
            }
        }

        await storing.FlushAsync();
        return leftOut;
    }

    // The last that is imported: whoever reads on from there knows what was before.
    private async Task EndAsync(Storing storing, ArchivedRoom archived, Account owner, long events)
    {
        var now = time.GetUtcNow();
        var author = Author.Of(owner, "person");
        var body = EventBody.Act(EventType.Imported, author, EventBody.NewId(), writer =>
        {
            writer.WriteString("title"u8, PlainLine.Of(archived.Title));
            writer.WriteStartObject("source"u8);
            writer.WriteString("room"u8, archived.Id);
            writer.WriteString("at"u8, Timestamps.Format(ImportedEvents.TimeOf(archived.ExportedAt, now) ?? now));
            writer.WriteNumber("events"u8, events);
            writer.WriteEndObject();
        });
        await storing.AppendAsync(new ImportedEvent(EventType.Imported, 0, now, author, body, null, 0), edits: 0);
        await storing.FlushAsync();
    }

    // Whose the room is has not done it where the operator has, and pays for nothing of it.
    private async Task NoteAsync(RoomRecord record, LoginSession? by)
    {
        AuditRecord made = new(AuditRecord.Imported, by is null ? AuditPerson.Operator : AuditPerson.Of(by.Account));
        await (by is null
            ? records.WriteAsync([await audits.PlaceAsync(record.Key, made)])
            : audits.WriteAsync(record.Key, made, by.Account));
    }

    private async Task<Room> MakeAsync(RoomRecord record, Account owner, ImportRequest asked)
    {
        var wanted = asked.Id ?? record.Id.Value;
        for (var tries = 1; tries <= Tries; tries++)
        {
            if (!RoomId.TryParse(IdOf(wanted, tries), out var parsed))
            {
                throw new ArchiveException("A room id has 1 to 64 of a-z, 0-9 and -, and does not begin with -.");
            }

            switch (await making.CreateAsync(record with { Id = parsed }, owner, asked.By))
            {
                case RoomChange.Done:
                    return rooms.FindByKey(record.Key) ?? throw new IOException("The room was deleted at once.");
                case RoomChange.IdTaken:
                    break;
                case RoomChange.TooMany:
                    throw new ArchiveException("This account has as many rooms as it may. Delete one first.");
                case RoomChange.TriedTooOften:
                    throw new ArchiveException("You have tried to make as many rooms today as you may. Try again later.");
                default:
                    throw new ArchiveException("Sign in first.");
            }
        }

        throw NoId();
    }

    private static string IdOf(string wanted, int number) =>
        number == 1 ? wanted : string.Create(CultureInfo.InvariantCulture, $"{wanted[..Math.Min(wanted.Length, 60)]}-{number}");

    private static ArchiveException NoId() =>
        new("There are rooms with this id already, and with those that were tried beside it. Choose another id.");

    private static async Task<List<(Account Account, MemberRole Role)>> MembersAsync(ArchiveFile archive, ImportedPeople people, CancellationToken cancellation)
    {
        List<(Account Account, MemberRole Role)> members = [];
        await foreach (var line in archive.LinesAsync(ArchiveFormat.Members, ArchiveFile.LongestLine, cancellation))
        {
            var member = line.As(ArchiveJson.Default.ArchivedMember);
            if (people.AccountOf(member.User) is { } account)
            {
                members.Add((account, MemberRoles.Parse(member.Role) ?? throw line.Wrong("\"role\" is one of: owner, moderator, member.")));
            }
        }

        return members;
    }

    // Who could not be put on the list: the room is there by now, and who has it can invite them.
    private async Task<List<string>> JoinAsync(Room room, List<(Account Account, MemberRole Role)> members, Account owner)
    {
        List<string> missing = [];
        foreach (var (account, role) in members.Where(member => member.Account != owner))
        {
            try
            {
                await making.PutInAsync(room, account, role == MemberRole.Owner ? MemberRole.Moderator : role);
            }
            catch (Exception error) when (error is IOException or ObjectDisposedException)
            {
                missing.Add(account.UserName);
            }
        }

        return missing;
    }
}
