using WebMessenger.Load.Commands;
using WebMessenger.Load.Measuring;
using WebMessenger.Load.Servers;

namespace WebMessenger.Load.Scenarios;

/// <summary>One kind of load, with its numbers chosen.</summary>
internal interface IScenario
{
    /// <summary>One line that says all that a reader of the figures must know.</summary>
    string Title { get; }

    /// <summary>Without extension.</summary>
    string FileName { get; }

    /// <summary>What is said when nothing went wrong.</summary>
    string Promise => "every acknowledged message reached every member exactly once, in one order.";

    Preparation Preparation { get; }

    /// <summary>Limits of the server that stay as they are shipped, by their names.</summary>
    IReadOnlyList<string> KeptLimits => [];

    /// <summary>One round. What was not kept is a problem in the outcome, not an exception.</summary>
    Task<Outcome> RunAsync(ServerUnderTest server, CancellationToken cancellation);
}

/// <summary>A kind of load as it is typed.</summary>
/// <param name="IsComparable">Other servers can do it, too.</param>
internal sealed record ScenarioKind(string Name, string Summary, IReadOnlyList<Option> Options, Func<Arguments, IScenario> Create, bool IsComparable = true);
