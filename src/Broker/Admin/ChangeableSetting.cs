using WebMessenger.Auth.Limits;
using WebMessenger.Broker.Settings;

namespace WebMessenger.Broker.Admin;

/// <summary>
/// A setting that administrators change while the program runs. The list is closed: what is read at each use, or made anew at once; never
/// hosts, proxies, origins, paths or certificates (decision 22).
/// </summary>
/// <param name="Name">Below `WebMessenger`, as in the file.</param>
/// <param name="Unit">`switch`, `days`, `megabytes`, `percent`, `bytes`, `characters`, `per_second` or `count`.</param>
/// <param name="Minimum">With <paramref name="Maximum"/>, as the reader of the file has them; of a switch 0 and 1.</param>
internal sealed record ChangeableSetting(
    string Name, string Unit, int Minimum, int Maximum, Func<BrokerSettings, AuthOptions, int> Get, Action<BrokerSettings, AuthOptions, int> Set)
{
    private const int MostDays = 36_500;

    // Of these 0 is no end, and what is beyond a nearer one goes from the disk, or is not taken.
    private static readonly HashSet<string> _kept = new(StringComparer.Ordinal)
    {
        "RetentionDaysAtMost",
        "Limits:" + nameof(BrokerLimits.NoticesPerAccount),
        "Limits:" + nameof(BrokerLimits.NoticeDays),
        "Limits:" + nameof(BrokerLimits.AuditPerRoom),
        "Limits:" + nameof(BrokerLimits.AuditDays),
        "Limits:" + nameof(BrokerLimits.StoredBytesPerDayPerAccount),
        "Limits:" + nameof(BrokerLimits.StoredBytesPerDayPerGuest),
    };

    private static readonly HashSet<string> _free = new(StringComparer.Ordinal)
    {
        "Limits:" + nameof(BrokerLimits.FreeDiskMegabytes), "Limits:" + nameof(BrokerLimits.FreeDiskPercent),
    };

    public bool IsSwitch => Unit == "switch";

    /// <summary>Whether less is kept, or taken to be kept, after such a change: that cannot be undone.</summary>
    public bool Loses(int was, int now) =>
        _kept.Contains(Name) ? now != 0 && (was == 0 || now < was) : _free.Contains(Name) && now > was;

    public static IReadOnlyList<ChangeableSetting> All { get; } =
    [
        Switch("Guests:Enabled", (_, auth) => auth.GuestsEnabled, (_, auth, on) => auth.GuestsEnabled = on),
        Switch("Registration:Enabled", (_, auth) => auth.RegistrationEnabled, (_, auth, on) => auth.RegistrationEnabled = on),
        new("RetentionDaysAtMost", "days", 0, MostDays, (all, _) => all.RetentionDaysAtMost, (all, _, days) => all.RetentionDaysAtMost = days),
        Limit(nameof(BrokerLimits.TextLength), "characters", limits => limits.TextLength, (limits, to) => limits.TextLength = to),
        Limit(nameof(BrokerLimits.PublishPerSecond), "per_second", limits => limits.PublishPerSecond, (limits, to) => limits.PublishPerSecond = to),
        Limit(nameof(BrokerLimits.PublishBurst), "count", limits => limits.PublishBurst, (limits, to) => limits.PublishBurst = to, minimum: 1),
        Limit(
            nameof(BrokerLimits.StoredBytesPerDayPerAccount), "bytes", limits => limits.StoredBytesPerDayPerAccount,
            (limits, to) => limits.StoredBytesPerDayPerAccount = to),
        Limit(
            nameof(BrokerLimits.StoredBytesPerDayPerGuest), "bytes", limits => limits.StoredBytesPerDayPerGuest,
            (limits, to) => limits.StoredBytesPerDayPerGuest = to),
        Limit(
            nameof(BrokerLimits.FreeDiskMegabytes), "megabytes", limits => limits.FreeDiskMegabytes, (limits, to) => limits.FreeDiskMegabytes = to),
        Limit(
            nameof(BrokerLimits.FreeDiskPercent), "percent", limits => limits.FreeDiskPercent, (limits, to) => limits.FreeDiskPercent = to,
            maximum: 50),
        Limit(
            nameof(BrokerLimits.ConnectionsPerAccount), "count", limits => limits.ConnectionsPerAccount,
            (limits, to) => limits.ConnectionsPerAccount = to),
        Limit(
            nameof(BrokerLimits.DurableClientsPerAccount), "count", limits => limits.DurableClientsPerAccount,
            (limits, to) => limits.DurableClientsPerAccount = to),
        Limit(nameof(BrokerLimits.FiltersPerClient), "count", limits => limits.FiltersPerClient, (limits, to) => limits.FiltersPerClient = to),
        OfAuth(
            nameof(BrokerLimits.LoginSessionsPerAccount), auth => auth.LoginSessionsPerAccount, (auth, to) => auth.LoginSessionsPerAccount = to),
        OfAuth(nameof(BrokerLimits.TokensPerAccount), auth => auth.TokensPerAccount, (auth, to) => auth.TokensPerAccount = to),
        Limit(nameof(BrokerLimits.RoomsPerAccount), "count", limits => limits.RoomsPerAccount, (limits, to) => limits.RoomsPerAccount = to),
        Limit(nameof(BrokerLimits.PinsPerRoom), "count", limits => limits.PinsPerRoom, (limits, to) => limits.PinsPerRoom = to),
        Limit(nameof(BrokerLimits.BansPerRoom), "count", limits => limits.BansPerRoom, (limits, to) => limits.BansPerRoom = to),
        Limit(nameof(BrokerLimits.InvitesPerRoom), "count", limits => limits.InvitesPerRoom, (limits, to) => limits.InvitesPerRoom = to),
        Limit(nameof(BrokerLimits.OpenInvitations), "count", limits => limits.OpenInvitations, (limits, to) => limits.OpenInvitations = to),
        Limit(nameof(BrokerLimits.HooksPerRoom), "count", limits => limits.HooksPerRoom, (limits, to) => limits.HooksPerRoom = to),
        Limit(nameof(BrokerLimits.RulesPerRoom), "count", limits => limits.RulesPerRoom, (limits, to) => limits.RulesPerRoom = to),
        Limit(nameof(BrokerLimits.WebhooksPerRoom), "count", limits => limits.WebhooksPerRoom, (limits, to) => limits.WebhooksPerRoom = to),
        Limit(
            nameof(BrokerLimits.WebhooksPerAccount), "count", limits => limits.WebhooksPerAccount, (limits, to) => limits.WebhooksPerAccount = to),
        Limit(
            nameof(BrokerLimits.RetainedPerRoom), "count", limits => limits.RetainedPerRoom, (limits, to) => limits.RetainedPerRoom = to),
        Limit(nameof(BrokerLimits.SavedPerAccount), "count", limits => limits.SavedPerAccount, (limits, to) => limits.SavedPerAccount = to),
        Limit(nameof(BrokerLimits.IgnoredPerAccount), "count", limits => limits.IgnoredPerAccount, (limits, to) => limits.IgnoredPerAccount = to),
        Limit(nameof(BrokerLimits.NoticesPerAccount), "count", limits => limits.NoticesPerAccount, (limits, to) => limits.NoticesPerAccount = to),
        Limit(nameof(BrokerLimits.NoticeDays), "days", limits => limits.NoticeDays, (limits, to) => limits.NoticeDays = to, maximum: MostDays),
        Limit(nameof(BrokerLimits.AuditPerRoom), "count", limits => limits.AuditPerRoom, (limits, to) => limits.AuditPerRoom = to),
        Limit(nameof(BrokerLimits.AuditDays), "days", limits => limits.AuditDays, (limits, to) => limits.AuditDays = to, maximum: MostDays),
        Limit(
            nameof(BrokerLimits.RetentionStepsPerSecond), "per_second", limits => limits.RetentionStepsPerSecond,
            (limits, to) => limits.RetentionStepsPerSecond = to, maximum: 1_000),
    ];

    private static ChangeableSetting Switch(
        string name, Func<BrokerSettings, AuthOptions, bool> get, Action<BrokerSettings, AuthOptions, bool> set) =>
        new(name, "switch", 0, 1, (all, auth) => get(all, auth) ? 1 : 0, (all, auth, on) => set(all, auth, on != 0));

    private static ChangeableSetting Limit(
        string name, string unit, Func<BrokerLimits, int> get, Action<BrokerLimits, int> set, int minimum = 0, int maximum = int.MaxValue) =>
        new("Limits:" + name, unit, minimum, maximum, (all, _) => get(all.Limits), (all, _, to) => set(all.Limits, to));

    private static ChangeableSetting OfAuth(string name, Func<AuthOptions, int> get, Action<AuthOptions, int> set) =>
        new("Limits:" + name, "count", 0, int.MaxValue, (_, auth) => get(auth), (_, auth, to) => set(auth, to));
}
