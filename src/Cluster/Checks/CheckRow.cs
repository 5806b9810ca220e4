namespace WebMessenger.Cluster.Checks;

/// <summary>What a point of a check comes to.</summary>
internal enum CheckVerdict
{
    Good,

    /// <summary>It works, and might be better.</summary>
    Advice,

    /// <summary>What is promised is not kept with it.</summary>
    Wrong,
}

/// <summary>One point of a check.</summary>
/// <param name="What">Of the database or a node.</param>
/// <param name="Found">As it is.</param>
/// <param name="ToDo">What to do about it; empty: nothing.</param>
internal sealed record CheckRow(string What, string Found, CheckVerdict Verdict, string ToDo = "")
{
    public static CheckRow Good(string what, string found) => new(what, found, CheckVerdict.Good);

    /// <summary>Good, or else.</summary>
    public static CheckRow If(bool isGood, string what, string found, CheckVerdict otherwise, string toDo) =>
        isGood ? Good(what, found) : new CheckRow(what, found, otherwise, toDo);
}
