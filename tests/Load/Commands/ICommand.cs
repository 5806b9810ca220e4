namespace WebMessenger.Load.Commands;

/// <summary>Something that the program can be told to do. To add one, write it and name it in <see cref="CommandList"/>.</summary>
internal interface ICommand
{
    /// <summary>One word, or two: `compare room`.</summary>
    string Name { get; }

    string Summary { get; }

    IReadOnlyList<Option> Options { get; }

    /// <summary>Returns the exit code: 0 only if all was as it should be.</summary>
    Task<int> RunAsync(Arguments arguments, CancellationToken cancellation);
}
