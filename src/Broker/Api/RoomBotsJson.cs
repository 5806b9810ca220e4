using System.Text.Json;
using WebMessenger.Auth.Accounts;
using WebMessenger.Broker.Events;
using WebMessenger.Broker.Hooks;

namespace WebMessenger.Broker.Api;

/// <summary>The hooks, rules or webhooks of a room, and what each did last.</summary>
internal static class RoomBotsJson
{
    /// <param name="name">Of the array.</param>
    /// <param name="most">So many a room may have.</param>
    /// <param name="write">What each has between its id and what it did.</param>
    public static JsonAnswer List<T>(string name, int most, IEnumerable<T> all, RunLogs runs, Action<Utf8JsonWriter, T> write)
        where T : IRoomBot => new(writer =>
    {
        writer.WriteNumber("most"u8, most);
        writer.WriteStartArray(name);
        foreach (var one in all)
        {
            writer.WriteStartObject();
            writer.WriteString("id"u8, one.Id);
            write(writer, one);
            RunsJson.Write(writer, runs.Of(one.Room, one.Id));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    });

    public static void WriteMaking(Utf8JsonWriter writer, IRoomBot one, AccountDirectory accounts)
    {
        writer.WriteString("by"u8, accounts.Find(one.Maker)?.UserName ?? "");
        writer.WriteString("at"u8, Timestamps.Format(one.At));
    }
}
