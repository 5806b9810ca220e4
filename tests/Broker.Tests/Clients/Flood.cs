using WebMessenger.Wire.Testing;

namespace WebMessenger.Broker.Tests.Clients;

internal static class Flood
{
    /// <summary>
    /// More than a peer's and the kernel's buffers hold, so that whoever hears the room and does not read is stalled: about 8 MB.
    /// </summary>
    public static async Task Async(RawMqttClient speaker, string topic = "rooms/lobby")
    {
        var kilobytes = new byte[3900];
        Array.Fill(kilobytes, (byte)'x');
        for (var i = 0; i < 2200; i++)
        {
            await speaker.SendPublishAsync(topic, kilobytes);
        }

        await speaker.PublishAsync(topic, "flooded");
    }
}
