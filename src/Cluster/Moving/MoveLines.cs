using System.Globalization;

namespace WebMessenger.Cluster.Moving;

/// <summary>What is told of a move: what is done at once, and how far it is every five seconds.</summary>
internal sealed class MoveLines(TimeProvider time, Action<string> told)
{
    private static readonly TimeSpan _between = TimeSpan.FromSeconds(5);

    private long _last = time.GetTimestamp();

    public void Say(FormattableString line) => told(line.ToString(CultureInfo.InvariantCulture));

    public void Progress(FormattableString line)
    {
        if (time.GetElapsedTime(_last) >= _between)
        {
            _last = time.GetTimestamp();
            Say(line);
        }
    }
}
