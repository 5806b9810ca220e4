using System.Net;
using WebMessenger.Broker.Topics;

namespace WebMessenger.Broker.Settings;

/// <summary>`WebMessenger:…` of appsettings.json, checked.</summary>
internal sealed record BrokerSettings
{
    /// <summary>Absolute.</summary>
    public required string DataFolder { get; init; }

    /// <summary>Where on its host everything lies.</summary>
    public required BasePath BasePath { get; init; }

    /// <summary>0: any free port; -1: no MQTT over TCP.</summary>
    public required int MqttPort { get; init; }

    public required IPAddress MqttAddress { get; init; }

    /// <summary>The host that MQTT clients elsewhere connect to; null: the one that the pages are at.</summary>
    public required string? MqttPublicHost { get; init; }

    /// <summary>The port that MQTT clients elsewhere connect to, where a router or proxy maps it; 0: the one that is listened on.</summary>
    public required int MqttPublicPort { get; init; }

    /// <summary>Null: no certificate is set, so there is no MQTT over TLS.</summary>
    public required TlsSettings? Tls { get; init; }

    /// <summary>Whose forwarded headers are believed.</summary>
    public required IReadOnlyList<IPNetwork> TrustedProxies { get; init; }

    /// <summary>Networks that webhooks may call though they are not public; with any, http beside https.</summary>
    public required IReadOnlyList<IPNetwork> WebhookNetworks { get; init; }

    /// <summary>Take an account's password over unencrypted TCP from beyond this machine.</summary>
    public required bool AllowPlainPasswords { get; init; }

    /// <summary>Seconds; MQTT 5 clients that ask for a longer keep-alive, or for none, are told this one.</summary>
    public required ushort MaximumKeepAlive { get; init; }

    /// <summary>Seconds between two times that `$SYS` is said; 0: never.</summary>
    public required int SysInterval { get; init; }

    public required bool GuestsEnabled { get; init; }

    public required bool RegistrationEnabled { get; init; }

    public required IReadOnlyList<RoomId> DefaultRooms { get; init; }

    /// <summary>Scheme, host and port of pages elsewhere that may use this server.</summary>
    public required IReadOnlyList<string> AllowedOrigins { get; init; }

    /// <summary>How long browsers insist on https once they had it (HSTS). 0: they do not.</summary>
    public required int StrictTransportDays { get; init; }

    /// <summary>Hour of the machine's day at which what was deleted leaves the files; -1: only on the operator's word.</summary>
    public required int PurgeHour { get; init; }

    /// <summary>Minutes between two looks for what is kept no more.</summary>
    public required int RetentionEveryMinutes { get; init; }

    /// <summary>Days that anything said is kept at most, whatever a room's rules say; 0: as they say. Changed while the program
    /// runs.</summary>
    public required int RetentionDaysAtMost { get; set; }

    /// <summary>Null: this program is alone, with files of its own.</summary>
    public ClusterSettings? Cluster { get; init; }

    public required BrokerLimits Limits { get; init; }
}
