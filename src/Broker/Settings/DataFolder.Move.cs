using WebMessenger.Storage;

namespace WebMessenger.Broker.Settings;

/// <summary>A folder whose data go into a cluster's database: which it is, and what is left of it.</summary>
internal sealed partial class DataFolder
{
    private const string MoveMark = "MOVE-NOT-FINISHED";

    // Where what was moved lies in the end, as it was: a data folder that the program can be started on alone.
    private const string MovedFolder = "before-the-cluster";

    /// <summary>From here on no server starts on it, for what it added would be in one of the two alone.</summary>
    /// <param name="isNew">It was not being moved before.</param>
    /// <returns>Which folder it is, for the database to know it again.</returns>
    /// <exception cref="IOException">The mark cannot be written or read.</exception>
    public Guid BeginMove(out bool isNew)
    {
        var mark = Path.Combine(FullPath, MoveMark);
        isNew = !File.Exists(mark);
        if (!isNew)
        {
            return Guid.TryParse(File.ReadAllText(mark), out var known) ? known : throw new IOException($"{mark} is not what was written. Delete it to begin anew, with an empty database.");
        }

        var source = Guid.NewGuid();
        using (FileStream file = new(mark + ".partial", FileMode.Create))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(source.ToString()));
            file.Flush(flushToDisk: true);
        }

        File.Move(mark + ".partial", mark);
        FolderSync.Run(FullPath);
        return source;
    }

    /// <summary>Nothing was moved.</summary>
    public void AbandonMove()
    {
        File.Delete(Path.Combine(FullPath, MoveMark));
        FolderSync.Run(FullPath);
    }

    /// <summary>All of it is in the database: what was here is put aside, and the folder is a node's. Done again, it comes out the
    /// same.</summary>
    /// <returns>Where it was put.</returns>
    public string FinishMove()
    {
        var aside = Path.Combine(FullPath, MovedFolder);
        Directory.CreateDirectory(aside);
        File.WriteAllBytes(Path.Combine(FullPath, NodeMark), []);
        if (Directory.Exists(SearchFolderIn(FullPath)))
        {
            Directory.Delete(SearchFolderIn(FullPath), recursive: true);
        }

        foreach (var name in new[] { RoomsFolder, AccountsFile + ".log", AccountsFile }.Select(path => Path.GetFileName(path)))
        {
            var (from, to) = (Path.Combine(FullPath, name), Path.Combine(aside, name));
            if (Path.Exists(from))
            {
                Directory.Move(from, to);
            }
        }

        FolderSync.Run(aside);
        AbandonMove();
        return aside;
    }

    public void ThrowIfHalfMoved()
    {
        if (/* guard: no start on a folder that is half moved */ File.Exists(Path.Combine(FullPath, MoveMark)))
        {
            throw new StartupException(
                $"What is in {FullPath} is being moved into a database, and that is not finished: run cluster move again. "
                + $"To go on alone instead, delete {MoveMark} there and give up that database.");
        }
    }
}
