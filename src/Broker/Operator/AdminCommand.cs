using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using WebMessenger.Broker.Admin;
using WebMessenger.Broker.Events;

namespace WebMessenger.Broker.Operator;

/// <summary>
/// `overview`, `accounts`, `account`, `rooms`, `room`, `audit` and `settings`: what administrators see and do at `/admin`, asked of the
/// running server.
/// </summary>
/// <param name="asJson">Prints what the server answers, a line of JSON for each answer, in place of words.</param>
internal sealed class AdminCommand(string dataFolder, bool asJson, TextWriter output, TimeProvider time)
{
    public Task OverviewAsync(CancellationToken cancellation) => AskAsync(
        async link =>
        {
            var now = await link.GetAsync(AdminDoor.Root + "overview", AdminJson.Default.Overview, CancellationToken.None);
            if (Printed(now, AdminJson.Default.Overview))
            {
                return;
            }

            Say($"WebMessenger {now.Version} on {now.Runtime}, since {now.StartedAt}");
            foreach (var one in now.Health)
            {
                Say($"  {one.State,-5} {one.Name,-8} {one.Detail}");
            }

            Say($"Accounts: {now.Accounts.Registered} registered, {now.Accounts.Guests} guests, {now.Accounts.Administrators} administrators");
            Say($"Rooms: {now.Rooms.Public} public, {now.Rooms.Private} private, {now.Rooms.Archived} archived");
            Say($"Connections: {now.Connections}, of browsers {now.Browsers}, of devices {now.ClientsOfDevices}");
            Say($"A second: {now.Rates.MessagesPerSecond:F1} messages, {now.Rates.DeliveriesPerSecond:F1} deliveries, {now.Rates.BytesInPerSecond:F0} bytes in, {now.Rates.BytesOutPerSecond:F0} bytes out");
            foreach (var store in now.Stores)
            {
                Say($"  {store.Bytes,15:N0} bytes  {store.Name}");
            }
        },
        cancellation);

    /// <param name="query">Words; null: all accounts.</param>
    public Task AccountsAsync(string? query, string? filter, CancellationToken cancellation) => AskAsync(
        link => PagesAsync(link, "accounts", query, filter, AdminJson.Default.AccountsPage, page =>
        {
            foreach (var one in page.Accounts)
            {
                var kind = one.IsAdmin ? "administrator" : one.Kind;
                var ban = one.Banned ? $"  banned{(one.BannedUntil is null ? "" : $" until {one.BannedUntil}")}{(one.BanReason is null ? "" : $": {one.BanReason}")}" : "";
                Say($"{one.User,-32}  {kind,-13}  {PlainLine.Of(one.Name)}  since {one.Since}  {one.LoginSessions} login sessions, {one.Connections} connections{ban}");
            }

            return page.Cursor;
        }),
        cancellation);

    public Task RoomsAsync(string? query, string? filter, CancellationToken cancellation) => AskAsync(
        link => PagesAsync(link, "rooms", query, filter, AdminJson.Default.RoomsPage, page =>
        {
            foreach (var one in page.Rooms)
            {
                Say($"{one.Room,-32}  {one.Visibility,-7}  {PlainLine.Of(one.Title)}  owner {one.Owner ?? "nobody"}  {one.Members} members, {one.Present} here, {one.Events} events, {one.Bytes} bytes");
            }

            return page.Cursor;
        }),
        cancellation);

    public Task AuditAsync(CancellationToken cancellation) => AskAsync(
        async link =>
        {
            string? before = null;
            do
            {
                var page = await link.GetAsync(
                    $"{AdminDoor.Root}audit{(before is null ? "" : $"?before={before}")}", AdminJson.Default.AuditEntries, cancellation);
                before = page.Cursor;
                if (!Printed(page, AdminJson.Default.AuditEntries))
                {
                    foreach (var one in page.Entries)
                    {
                        Say($"{one.At}  {one.By}  {one.Act}  {one.Target}{(one.Until is null ? "" : $" until {one.Until}")}{(one.Detail is null ? "" : $"  {one.Detail}")}");
                    }
                }
            }
            while (before is not null);
        },
        cancellation);

    /// <param name="act">As of <see cref="AccountAct"/>.</param>
    public Task AccountAsync(AccountAct act, CancellationToken cancellation) => AskAsync(
        async link =>
        {
            var done = await link.PostAsync(AdminDoor.Root + "account", act, AdminDoorJson.Default.AccountAct, AdminDoorJson.Default.AdminDone, CancellationToken.None);
            if (!Printed(done, AdminDoorJson.Default.AdminDone))
            {
                Say($"{Said(act, done)}");
            }
        },
        cancellation);

    public Task RoomAsync(RoomOrder order, CancellationToken cancellation) => AskAsync(
        async link =>
        {
            var done = await link.PostAsync(AdminDoor.Root + "room", order, AdminDoorJson.Default.RoomOrder, AdminDoorJson.Default.AdminDone, CancellationToken.None);
            if (!Printed(done, AdminDoorJson.Default.AdminDone))
            {
                Say($"{Said(order, done)}");
            }
        },
        cancellation);

    /// <param name="name">Null: nothing is changed.</param>
    /// <param name="value">A whole number, true or false; `file`: as the settings of the program have it.</param>
    public Task SettingsAsync(string? name, string? value, CancellationToken cancellation) => AskAsync(
        async link =>
        {
            var page = name is null
                ? await link.GetAsync(AdminDoor.Root + "settings", AdminJson.Default.SettingsPage, CancellationToken.None)
                : await link.PostAsync(
                    AdminDoor.Root + "settings", new Dictionary<string, JsonElement> { [name] = ValueOf(value!) },
                    AdminDoorJson.Default.DictionaryStringJsonElement, AdminJson.Default.SettingsPage, CancellationToken.None);
            if (Printed(page, AdminJson.Default.SettingsPage))
            {
                return;
            }

            foreach (var one in page.Settings.Where(one => name is null || one.Name == name))
            {
                Say($"{one.Name,-36}  {one.Value}{(one.From == "here" ? $"  (the file has {one.Default})" : "")}");
            }
        },
        cancellation);

    private static string Said(AccountAct act, AdminDone done) => act.Act switch
    {
        "ban" => $"{act.User} is banned{(done.Account?.BannedUntil is { } until ? $" until {until}" : "")}.",
        "unban" => $"{act.User} may sign in again.",
        "sessions" => $"{act.User} is signed out everywhere{(act.Tokens ? ", access tokens included" : "")}.",
        "link" => $"A link for {act.User}. It works once, until {done.Link?.ExpiresAt}; all that {act.User} was signed in by has ended:\n\n  {done.Link?.Url}",
        "erase" => $"{act.User} is erased.",
        "admin" => $"{act.User} is an administrator, and has to sign in again.",
        _ => $"{act.User} is an administrator no more.",
    };

    private static string Said(RoomOrder order, AdminDone done) => order.Act switch
    {
        "owner" => $"{done.Room?.Owner} has {order.Room}.",
        "archive" => $"{order.Room} is archived: who is in it reads it.",
        "unarchive" => $"{order.Room} is open again.",
        _ => $"{order.Room} is deleted.",
    };

    private static JsonElement ValueOf(string value) => value == "file" ? JsonElement.Parse("null")
        : value is "true" or "false" || long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _) ? JsonElement.Parse(value)
        : throw new CommandException($"A setting is a whole number, true or false, or file for what the program's settings have, and not {PlainLine.Of(value)}.");

    private async Task PagesAsync<T>(
        OperatorLink link, string what, string? query, string? filter, JsonTypeInfo<T> type, Func<T, string?> show)
        where T : class
    {
        string? cursor = null;
        do
        {
            List<string> asked = [.. Named("query", query), .. Named("filter", filter), .. Named("cursor", cursor)];
            var page = await link.GetAsync($"{AdminDoor.Root}{what}?{string.Join('&', asked)}", type, CancellationToken.None);
            var isPrinted = Printed(page, type);
            cursor = isPrinted ? CursorOf(page) : show(page);
        }
        while (cursor is not null);
    }

    private static string? CursorOf(object page) => page switch
    {
        AccountsPage accounts => accounts.Cursor,
        RoomsPage rooms => rooms.Cursor,
        _ => null,
    };

    private static string[] Named(string name, string? value) => value is null ? [] : [$"{name}={Uri.EscapeDataString(value)}"];

    private bool Printed<T>(T answer, JsonTypeInfo<T> type)
    {
        if (asJson)
        {
            output.WriteLine(JsonSerializer.Serialize(answer, type));
        }

        return asJson;
    }

    // Once asked for it is not taken back: how it ends shall be known.
    private Task AskAsync(Func<OperatorLink, Task> running, CancellationToken cancellation) => StoppedOrRunning.RunAsync(
        dataFolder,
        _ => throw new CommandException("No server is running: start it, for it does this. ban, unban, bans and password-link do without."),
        running,
        time,
        cancellation);

    private void Say(FormattableString line) => output.WriteLine(line.ToString(CultureInfo.InvariantCulture));
}
