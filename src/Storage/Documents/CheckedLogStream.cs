using System.Security.Cryptography;

namespace WebMessenger.Storage.Documents;

/// <summary>LiteDB's log, each page in a checked frame; what a power cut left half done is cut off on opening.</summary>
/// <remarks>
/// LiteDB 5.0.20 writes the log from a task of its own, which runs on the committing thread most of the time but not always, and flushes it
/// after almost every page. So <see cref="Flush"/> does nothing, and the thread that owns the store calls <see cref="SyncThrough"/> before
/// it answers anybody. <see cref="_gate"/> guards the fields;
/// the file is written under it, and synced outside it by the owning thread alone.
/// </remarks>
internal sealed class CheckedLogStream : StoreStream
{
    private static readonly byte[] _zeros = new byte[8 * Page.Size];
    private static readonly TimeSpan WriterPatience = TimeSpan.FromSeconds(30);

    private readonly Lock _gate = new();
    private readonly ManualResetEventSlim _progress = new();
    private readonly IStoreFile _file;
    private readonly string _path;
    private readonly byte[] _frame = new byte[PageFrame.Size];
    private uint _generation;
    private uint _frames;
    private uint _synced;
    private long _fileLength;
    private bool _isFull;
    private Exception? _failure;

    private CheckedLogStream(IStoreFile file, string path, LogScan scan)
    {
        _file = file;
        _path = path;
        _frames = _synced = scan.Frames;
        _fileLength = scan.Frames * (long)PageFrame.Size;
        _generation = scan.Frames > 0 ? scan.Generation : BitConverter.ToUInt32(RandomNumberGenerator.GetBytes(sizeof(uint)));
        Header = scan.Header;
    }

    /// <summary>The newest database header in the log when it was opened.</summary>
    public byte[]? Header { get; }

    /// <summary>Bytes of an unfinished transaction that were cut off on opening.</summary>
    public long Discarded { get; private init; }

    public override long Length
    {
        get
        {
            lock (_gate)
            {
                return _frames * (long)Page.Size;
            }
        }
    }

    public static CheckedLogStream Open(IStoreFile file, string path)
    {
        var scan = LogScan.Of(file, path);
        var intact = scan.Frames * (long)PageFrame.Size;
        var length = file.Length;
        var written = length > intact ? EndOfWritten(file, intact, length) : intact;
        if (length > intact)
        {
            file.SetLength(intact);
        }
        // What was read may not be on the disk yet (its writer was killed before its sync), and the data file is about to be written from
        // it. An empty file is no exception: its writer may have been killed just after it emptied it,
        // and what is written here would then come to lie among the old frames.
        file.Sync();
        return new CheckedLogStream(file, path, scan) { Discarded = written - intact };
    }

    public override int Read(byte[] buffer, int offset, int count)
    {
        ThrowIfNotOnePage(count);
        if (Position >= Length)
        {
            return 0;
        }
        var index = (uint)(Position / Page.Size);
        Span<byte> frame = new byte[PageFrame.Size];
        if (_file.Read(frame, index * (long)PageFrame.Size) < PageFrame.Size || !PageFrame.IsIntact(frame, index))
        {
            throw StoreUnavailableException.DamagedLog(_path, index);
        }
        frame[PageFrame.HeaderSize..].CopyTo(buffer.AsSpan(offset));
        Position += count;
        return count;
    }

    public override void Write(byte[] buffer, int offset, int count)
    {
        ThrowIfNotOnePage(count);
        lock (_gate)
        {
            if (Position != _frames * (long)Page.Size)
            {
                throw new InvalidOperationException("LiteDB appends to its log; this write does not.");
            }
            if (_failure is null)
            {
                PageFrame.Build(_frame, buffer.AsSpan(offset, count), _generation, _frames, _synced);
                WriteFrame();
            }
            _frames++;
            _progress.Set();
        }
        Position += count;
    }

    public override void Flush()
    {
    }

    /// <summary>
    /// Waits until the log has been written as far as <paramref name="length"/>, then syncs it. Once it has thrown it always throws.
    /// </summary>
    public void SyncThrough(long length)
    {
        var frames = AwaitWritten(length);
        if (frames == _synced)
        {
            return;
        }
        try
        {
            _file.Sync();
        }
        catch (Exception error)
        {
            lock (_gate)
            {
                Fail(error);
            }
            throw;
        }
        lock (_gate)
        {
            _synced = frames;
        }
    }

    /// <summary>
    /// Lets the file be longer than what is written, by <paramref name="room"/> and by zeros, which are no frame.
    /// A sync of what then comes to lie there has neither the file's size nor new blocks to write, and does not wait until the file
    /// system's journal has written down what others do: a third less, where the disk is busy.
    /// </summary>
    public void Reserve(long room)
    {
        lock (_gate)
        {
            var used = _frames * (long)PageFrame.Size;
            if (_failure is not null || _isFull || _fileLength - used >= room / 4)
            {
                return;
            }
            try
            {
                for (var at = _fileLength; at < used + room; at += _zeros.Length)
                {
                    _file.Write(_zeros.AsSpan(0, (int)Math.Min(_zeros.Length, used + room - at)), at);
                }
            }
            catch (IOException)
            {
                // A full disk, most likely: nothing is lost by it, and whether there is room for a frame shows when one is written.
                _isFull = true;
                return;
            }
            try
            {
                _file.Sync();
            }
            catch (Exception error)
            {
                Fail(error);
                throw;
            }
            _fileLength = used + room;
        }
    }

    public override void SetLength(long value)
    {
        if (value != 0)
        {
            throw new InvalidOperationException("LiteDB only ever empties its log.");
        }
        lock (_gate)
        {
            ThrowIfFailed();
            try
            {
                _file.SetLength(0);
                // Or new frames could come to lie among old ones, and a cut between them would bring old pages back.
                _file.Sync();
            }
            catch (Exception error)
            {
                Fail(error);
                throw;
            }
            _frames = _synced = 0;
            _fileLength = 0;
            _isFull = false;
            _generation++;
        }
        Position = 0;
    }

    public override void Seal()
    {
        lock (_gate)
        {
            Fail(Sealed());
        }
    }

    /// <summary>Where the reserved room begins that a store has left that was not closed.</summary>
    private static long EndOfWritten(IStoreFile file, long from, long length)
    {
        var block = new byte[64 * 1024];
        var end = from;
        for (var at = from; at < length; at += block.Length)
        {
            var read = file.Read(block.AsSpan(0, (int)Math.Min(block.Length, length - at)), at);
            if (block.AsSpan(0, read).LastIndexOfAnyExcept((byte)0) is >= 0 and var last)
            {
                end = at + last + 1;
            }
        }
        return end;
    }

    private uint AwaitWritten(long length)
    {
        while (true)
        {
            lock (_gate)
            {
                ThrowIfFailed();
                if (_frames * (long)Page.Size >= length)
                {
                    return _frames;
                }
                _progress.Reset();
            }
            if (!_progress.Wait(WriterPatience))
            {
                throw new TimeoutException("LiteDB's log writer has stopped.");
            }
        }
    }

    /// <summary>
    /// LiteDB must not hear of a failure here: it would leave a half committed transaction behind,
    /// whose finalizer throws and so ends the process. The fence tells.
    /// </summary>
    private void WriteFrame()
    {
        try
        {
            _file.Write(_frame, _frames * (long)PageFrame.Size);
            _fileLength = Math.Max(_fileLength, (_frames + 1) * (long)PageFrame.Size);
        }
        catch (Exception error)
        {
            Fail(error);
        }
    }

    private void Fail(Exception error)
    {
        _failure ??= error;
        _progress.Set();
    }

    private void ThrowIfFailed()
    {
        if (_failure is not null)
        {
            throw new IOException(_failure.Message, _failure);
        }
    }
}
