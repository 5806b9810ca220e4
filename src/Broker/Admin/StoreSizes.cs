using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Admin;

/// <summary>How much of the disk each store takes.</summary>
internal static class StoreSizes
{
    /// <summary>`rooms` (what is said, and records), `accounts` (accounts and rooms), `search` (derived) and `other`.</summary>
    /// <param name="folder">The data folder.</param>
    public static StoreView[] Of(string folder)
    {
        var (rooms, accounts, search) = (DataFolder.RoomsFolderIn(folder), DataFolder.AccountsFileIn(folder), DataFolder.SearchFolderIn(folder));
        long ofRooms = 0, ofAccounts = 0, ofSearch = 0, others = 0;
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*", new EnumerationOptions { RecurseSubdirectories = true, IgnoreInaccessible = true }))
        {
            var length = LengthOf(file);
            _ = IsIn(rooms, file) ? ofRooms += length
                : IsIn(search, file) ? ofSearch += length
                : IsOf(accounts, file) ? ofAccounts += length
                : others += length;
        }

        return [new("rooms", ofRooms), new("accounts", ofAccounts), new("search", ofSearch), new("other", others)];
    }

    private static bool IsIn(string folder, FileInfo file) =>
        file.FullName.StartsWith(folder + Path.DirectorySeparatorChar, StringComparison.Ordinal);

    // Its log stands beside it: `accounts-log.db`.
    private static bool IsOf(string store, FileInfo file) =>
        file.DirectoryName == Path.GetDirectoryName(store) && file.Name.StartsWith(Path.GetFileNameWithoutExtension(store), StringComparison.Ordinal);

    // The stores remove files of theirs at any time.
    private static long LengthOf(FileInfo file)
    {
        try
        {
            return file.Length;
        }
        catch (IOException)
        {
            return 0;
        }
    }
}
