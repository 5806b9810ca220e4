namespace WebMessenger.Storage.Documents;

/// <summary>What a log file holds that may be believed.</summary>
/// <param name="Frames">Frames up to and including the last that confirms a transaction, all of them intact.</param>
/// <param name="Generation">Theirs; meaningless when there are none.</param>
/// <param name="Header">The newest database header among them.</param>
internal sealed record LogScan(uint Frames, uint Generation, byte[]? Header)
{
    /// <summary>Throws <see cref="StoreUnavailableException"/> when a frame is gone that had been synced, and so acknowledged.</summary>
    public static LogScan Of(IStoreFile file, string path)
    {
        var frame = new byte[PageFrame.Size];
        LogScan found = new(0, 0, null);
        var header = found.Header;
        uint index = 0;
        for (; IsNext(file, frame, index, found.Generation); index++)
        {
            var page = frame.AsSpan(PageFrame.HeaderSize);
            if (index == 0)
            {
                found = found with { Generation = PageFrame.Generation(frame) };
            }
            if (Page.IsHeader(page))
            {
                header = page.ToArray();
            }
            if (Page.ConfirmsTransaction(page))
            {
                found = found with { Frames = index + 1, Header = header };
            }
        }
        ThrowIfDamaged(file, frame, index, path);
        return found;
    }

    private static bool IsNext(IStoreFile file, byte[] frame, uint index, uint generation) =>
        file.Read(frame, index * (long)PageFrame.Size) == PageFrame.Size
        && PageFrame.IsIntact(frame, index)
        && (index == 0 || PageFrame.Generation(frame) == generation);

    private static void ThrowIfDamaged(IStoreFile file, byte[] frame, uint firstBad, string path)
    {
        for (var index = firstBad + 1; file.Read(frame, index * (long)PageFrame.Size) == PageFrame.Size; index++)
        {
            if (PageFrame.IsIntact(frame, index) && PageFrame.Synced(frame) > firstBad)
            {
                throw StoreUnavailableException.DamagedLog(path, firstBad);
            }
        }
    }
}
