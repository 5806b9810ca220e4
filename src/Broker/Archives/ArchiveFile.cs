using System.Buffers.Binary;
using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace WebMessenger.Broker.Archives;

/// <summary>A line of a room's file, and where it stands. The bytes are the reader's: they are others after the next line.</summary>
internal readonly record struct ArchiveLine(string File, int Number, ReadOnlyMemory<byte> Bytes)
{
    /// <summary>Tells who has the file what is wrong with it, and where.</summary>
    public ArchiveException Wrong(string why) => new($"{File}, line {Number}: {why}");

    /// <exception cref="ArchiveException">It is no such object.</exception>
    public T As<T>(JsonTypeInfo<T> type)
    {
        try
        {
            return JsonSerializer.Deserialize(Bytes.Span, type) ?? throw Wrong("it is null.");
        }
        catch (JsonException)
        {
            throw Wrong("it is not one JSON object with the fields that it must have.");
        }
    }
}

/// <summary>What is read of a file that anybody may have made. 0: no limit.</summary>
/// <param name="Bytes">Unpacked, in all.</param>
/// <param name="Lines">Of each part, whether they are taken or left out.</param>
/// <param name="BytesPerSecond">Unpacked.</param>
internal sealed record ArchiveBounds(long Bytes, int Lines, int BytesPerSecond);

/// <summary>Reads a room's file, within bounds: who made it may be anybody.</summary>
/// <remarks>
/// The names of what is in it lead nowhere: only the known ones are looked for, and nothing is written under them. What is unpacked is
/// counted as it comes, whatever the file says of its size.
/// </remarks>
internal sealed class ArchiveFile : IAsyncDisposable
{
    /// <summary>Of a line that tells of an event, a reaction or a pin.</summary>
    public const int LongestLine = 128 * 1024;

    private const int EndBytes = 22;
    private const uint EndSignature = 0x06054b50;

    /// <summary>The list of what is in it: as it is read at once, before anything of it is known.</summary>
    private const int LongestList = 64 * 1024;

    private const int MostEntries = 64;

    private readonly ZipArchive _zip;
    private readonly long _mostBytes;
    private readonly int _mostLines;
    private readonly Pace _pace;
    private long _unpacked;

    private ArchiveFile(ZipArchive zip, ArchiveBounds bounds, TimeProvider time) =>
        (_zip, _mostBytes, _mostLines, _pace) = (zip, bounds.Bytes, bounds.Lines, new Pace(bounds.BytesPerSecond, time));

    /// <param name="file">Can be sought in. Is closed with this.</param>
    /// <param name="bounds">Null: it is somebody's who may have the memory of the server as well.</param>
    /// <exception cref="ArchiveException">It is no such file.</exception>
    public static async Task<ArchiveFile> OpenAsync(Stream file, ArchiveBounds? bounds, TimeProvider time, CancellationToken cancellation)
    {
        try
        {
            if (bounds is not null)
            {
                await CheckListAsync(file, cancellation);
            }

            file.Position = 0;
            var zip = await ZipArchive.CreateAsync(file, ZipArchiveMode.Read, leaveOpen: false, entryNameEncoding: null, cancellation);
            return new ArchiveFile(zip, bounds ?? new ArchiveBounds(0, 0, 0), time);
        }
        catch (InvalidDataException)
        {
            throw NoZip();
        }
    }

    /// <summary>All of it may be read once more.</summary>
    public void ReadAgain() => _unpacked = 0;

    /// <summary>What says which room it is.</summary>
    /// <exception cref="ArchiveException">It is no such file, or of a later version.</exception>
    public async Task<ArchivedRoom> ReadRoomAsync(CancellationToken cancellation)
    {
        await foreach (var line in LinesAsync(ArchiveFormat.Room, LongestLine, cancellation))
        {
            var room = line.As(ArchiveJson.Default.ArchivedRoom);
            return room.Format == ArchiveFormat.Version
                ? room
                : throw new ArchiveException($"The file is of format {room.Format}, by version {room.Program}; this server reads format {ArchiveFormat.Version}.");
        }

        throw new ArchiveException($"There is no {ArchiveFormat.Room} in the file: it is no room's.");
    }

    /// <summary>The lines of one part; none, if it is not there. Empty ones are left out.</summary>
    /// <param name="longest">In bytes.</param>
    /// <exception cref="ArchiveException">It is too long, or broken.</exception>
    public async IAsyncEnumerable<ArchiveLine> LinesAsync(string name, int longest, [EnumeratorCancellation] CancellationToken cancellation)
    {
        if (_zip.GetEntry(name) is not { } entry)
        {
            yield break;
        }

        await using var stream = await OpenAsync(entry, cancellation);
        var buffer = new byte[64 * 1024];
        var (start, end, number, lines, isOver) = (0, 0, 0, 0, false);
        while (true)
        {
            var length = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (length < 0 && !isOver)
            {
                buffer.AsSpan(start, end - start).CopyTo(buffer);
                (start, end) = (0, end - start);
                if (end == buffer.Length)
                {
                    if (/* guard: a line of a room's file ends */ end >= longest)
                    {
                        throw new ArchiveException($"{name}, line {number + 1}: it is longer than {longest / 1024} KiB.");
                    }

                    Array.Resize(ref buffer, Math.Min(2 * buffer.Length, longest + 1));
                }

                var read = await ReadAsync(stream, name, buffer.AsMemory(end), cancellation);
                (end, isOver) = (end + read, read == 0);
                continue;
            }

            length = length < 0 ? end - start : length;
            if (length > 0)
            {
                if (_mostLines > 0 && /* guard: lines of a room's file */ ++lines > _mostLines)
                {
                    throw new ArchiveException($"{name} has more than {_mostLines} lines.");
                }

                yield return new ArchiveLine(name, number + 1, buffer.AsMemory(start, length));
            }

            if (isOver && start + length >= end)
            {
                yield break;
            }

            (start, number) = (start + length + 1, number + 1);
        }
    }

    public ValueTask DisposeAsync() => _zip.DisposeAsync();

    private static async Task<Stream> OpenAsync(ZipArchiveEntry entry, CancellationToken cancellation)
    {
        try
        {
            return await entry.OpenAsync(cancellation);
        }
        catch (InvalidDataException)
        {
            throw NoZip();
        }
    }

    private async Task<int> ReadAsync(Stream stream, string name, Memory<byte> target, CancellationToken cancellation)
    {
        try
        {
            var read = await stream.ReadAsync(target, cancellation);
            _unpacked += read;

            // What is in a file is there at once: without an end to its turn whoever reads it would hold a thread of all until its end.
            await Task.Yield();
            await _pace.WaitAsync(read, cancellation);
            return _mostBytes > 0 && (/* guard: bytes of a room's file, unpacked */ _unpacked > _mostBytes)
                ? throw new ArchiveException($"The file has more than {_mostBytes >> 20} MiB in it, unpacked.")
                : read;
        }
        catch (InvalidDataException)
        {
            throw new ArchiveException($"{name} is damaged.");
        }
    }

    // Who opens a ZIP reads the list of all that is in it, from where its end says that the list begins: a million names, if it likes.
    private static async Task CheckListAsync(Stream file, CancellationToken cancellation)
    {
        if (file.Length < EndBytes)
        {
            throw NoZip();
        }

        // Behind it stands nothing: a comment would let there be two ends.
        file.Position = file.Length - EndBytes;
        var end = new byte[EndBytes];
        await file.ReadExactlyAsync(end, cancellation);
        var disks = BinaryPrimitives.ReadUInt32LittleEndian(end.AsSpan(4));
        var (here, entries) = (BinaryPrimitives.ReadUInt16LittleEndian(end.AsSpan(8)), BinaryPrimitives.ReadUInt16LittleEndian(end.AsSpan(10)));
        var (list, comment) = (BinaryPrimitives.ReadUInt32LittleEndian(end.AsSpan(16)), BinaryPrimitives.ReadUInt16LittleEndian(end.AsSpan(20)));
        if (BinaryPrimitives.ReadUInt32LittleEndian(end) != EndSignature || comment != 0 || list > file.Length)
        {
            throw NoZip();
        }

        // Where one of these is all ones, who reads the ZIP takes the place of the list from another record, of ZIP64.
        if (/* guard: a room's file says once where its list is */ disks != 0 || here == ushort.MaxValue || entries == ushort.MaxValue || list == uint.MaxValue)
        {
            throw NoZip();
        }

        if (/* guard: the list of what is in a room's file */ entries > MostEntries || file.Length - list > LongestList)
        {
            throw new ArchiveException("There is too much in the file.");
        }
    }

    private static ArchiveException NoZip() => new("This is no room's file, or not all of one.");
}
