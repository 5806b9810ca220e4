using System.Text.Json;

namespace WebMessenger.Broker.Events;

/// <summary>Whom a message names, as it is stored with it.</summary>
/// <param name="Users">User names, each once, in the order of the text.</param>
/// <param name="IsEveryone">`@room`: everybody who is in the room.</param>
internal sealed record Named(IReadOnlyList<string> Users, bool IsEveryone)
{
    public void Write(Utf8JsonWriter writer)
    {
        if (Users.Count > 0)
        {
            writer.WriteStartArray("mentions"u8);
            foreach (var user in Users)
            {
                writer.WriteStringValue(user);
            }

            writer.WriteEndArray();
        }

        if (IsEveryone)
        {
            writer.WriteBoolean("everyone"u8, true);
        }
    }
}
