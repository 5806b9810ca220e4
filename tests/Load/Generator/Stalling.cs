using WebMessenger.Wire.Testing;

namespace WebMessenger.Load.Generator;

/// <summary>
/// Makes clients stop reading while much waits for them: a room with more history than the sockets between hold, asked for and not read.
/// </summary>
internal static class Stalling
{
    // The kernel takes 3 to 5 MB even when the client's buffer is small.
    private const int Messages = 600;
    private static readonly string Text = string.Concat(Enumerable.Repeat("🪁", 4000));

    /// <summary>What waits for each client that stalls: about 10 MB.</summary>
    public static double Bytes { get; } = (double)Messages * System.Text.Encoding.UTF8.GetByteCount(Text);

    public static async Task FillAsync(RawClient speaker, string topic)
    {
        for (var i = 0; i < Messages; i++)
        {
            await speaker.PublishAsync(topic, Text);
        }
    }

    /// <summary>Returns when no more arrives at the client, which had better be opened with a small buffer.</summary>
    public static async Task StallAsync(RawClient client, string topic)
    {
        client.StopReading();

        // From the beginning: the newest are joins and leaves of those who stalled before.
        await client.SendAsync(ClientPackets.Subscribe(MqttVersion.V5, 1, topic, 0, ("after", "0")));
        for (var (last, same) = (0, 0); last == 0 || same < 3;)
        {
            await Task.Delay(5);
            var now = client.Available;
            (last, same) = (now, now == last ? same + 1 : 0);
        }
    }
}
